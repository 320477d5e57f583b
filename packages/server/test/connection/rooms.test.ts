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

test.each([true, false])(
  'a message during whose permission rights always change is asked about ten times, then busy (at once: %s)',
  async (isAtOnce) => {
    let asks = 0
    const server = createTestServer({
      policies: policies(
        allowChannel('room', () => {
          if (++asks > 100) throw new Error('It is asked for ever.')
          server.policies.outdate()
          return isAtOnce ? true : Promise.resolve(true)
        }),
      ),
    })
    const ann = await server.connect('ann@red')
    const answer = await ann.ask({ type: 'message', channel: 'room:r', payload: 'hi', requestId: 'm' })
    expect(answer).toMatchObject([{ requestId: 'm', payload: { code: 'busy', retryAfterMs: 1_000 } }])
    expect(asks).toBe(10)
  },
)
