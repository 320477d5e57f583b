import { createDeferred, type Deferred } from '@dnr/internal'
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

test('a room whose rule does not answer lets 256 messages of one connection wait, and refuses more', async () => {
  const answer = createDeferred<boolean>()
  const server = createTestServer({
    limits: { maxMessagesPerSecond: null, maxRoomMessagesPerSecond: 1_000 },
    policies: policies(allowChannel('room', ({ id }) => id === 'bob' || answer.promise)),
  })
  const [ann, bob] = [await server.connect('ann@red'), await server.connect('bob@red')]
  await bob.ask({ type: 'subscribe', channel: 'room:r' })
  for (let index = 1; index <= 257; index++)
    ann.send({ type: 'message', channel: 'room:r', payload: index, requestId: `m${index}` })
  expect(await ann.ask({ type: 'ping' })).toMatchObject([{ type: 'pong' }])
  expect(ann.received.filter(({ type }) => type === 'error')).toMatchObject([
    { requestId: 'm257', payload: { code: 'busy', retryAfterMs: 1_000 } },
  ])
  await bob.take()
  answer.resolve(true)
  expect((await bob.take()).map(({ payload }) => payload)).toEqual(
    Array.from({ length: 256 }, (_, index) => index + 1),
  )
})

test('what one connection says in a room comes in its order, however long the rule takes; other rooms do not wait', async () => {
  const answers: Deferred<boolean>[] = []
  const server = createTestServer({
    policies: policies(
      allowChannel('room', ({ id }) => {
        if (id === 'bob') return true
        const answer = createDeferred<boolean>()
        answers.push(answer)
        return answer.promise
      }),
    ),
  })
  const [ann, bob] = [await server.connect('ann@red'), await server.connect('bob@red')]
  for (const channel of ['room:r', 'room:s']) await bob.ask({ type: 'subscribe', channel })
  const heard = async (): Promise<unknown[]> => (await bob.take()).map(({ payload }) => payload)
  await heard()
  const said = ['r1', 'r2', 'r3', 's']
  for (const payload of said)
    await ann.ask({ type: 'message', channel: `room:${payload.charAt(0)}`, payload, requestId: payload })
  const [first, second, third, other] = answers
  for (const answer of [other, third, second]) answer?.resolve(answer !== second)
  expect(await heard()).toEqual(['s'])
  first?.resolve(true)
  expect(await heard()).toEqual(['r1', 'r3'])
  expect(await ann.take()).toMatchObject([{ requestId: 'r2', payload: { code: 'forbidden' } }])
})

test('who subscribes while the rule is asked about what they said does not overtake themselves', async () => {
  const answers: Deferred<boolean>[] = []
  const server = createTestServer({
    policies: policies(
      allowChannel('room', ({ id }) => {
        if (id === 'bob' || answers.length > 0) return true
        answers.push(createDeferred())
        return answers[0]?.promise as Promise<boolean>
      }),
    ),
  })
  const [ann, bob] = [await server.connect('ann@red'), await server.connect('bob@red')]
  await bob.ask({ type: 'subscribe', channel: 'room:r' })
  await bob.take()
  const say = (payload: string) => ann.ask({ type: 'message', channel: 'room:r', payload })
  await say('first')
  await ann.ask({ type: 'subscribe', channel: 'room:r' })
  await say('second')
  answers[0]?.resolve(true)
  expect((await bob.take()).map(({ payload }) => payload)).toEqual(['first', 'second'])
})
