import { expect, test } from 'vitest'
import { allowChannel } from '../../src/policy/channel-rule.ts'
import { policies } from '../../src/policy/policies.ts'
import { createTestServer, typesOf } from '../support/test-server.ts'

test('a room takes so many messages a second, whoever says them, and says when it takes more', async () => {
  const limits = { maxRoomMessagesPerSecond: 2 }
  const server = createTestServer({ limits, policies: policies(allowChannel('room', () => true)) })
  const [ann, bob] = [await server.connect('ann@red'), await server.connect('bob@red')]
  for (const client of [ann, bob]) await client.ask({ type: 'subscribe', channel: 'room:r' })
  const say = { type: 'message', channel: 'room:r', payload: 'hi', requestId: 'm' }
  await ann.ask(say)
  await bob.ask(say)
  expect((await ann.ask(say)).at(-1)).toMatchObject({
    type: 'error',
    channel: 'room:r',
    requestId: 'm',
    payload: { code: 'rate_limited', retryAfterMs: 500 },
  })
  await bob.take()
  await server.clock.advance(500)
  expect(await ann.ask(say)).toEqual([])
  expect(typesOf(await bob.take())).toEqual(['message'])
})
