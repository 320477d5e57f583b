// Channels without rows while the server asks whether somebody may still hear them: until today's answer they say and hear nothing.
import { createManualClock, type ManualClock } from '@dnr/testing'
import { expect, test } from 'vitest'
import { allowChannel } from '../../src/policy/channel-rule.ts'
import { policies } from '../../src/policy/policies.ts'
import { admittingPlugin } from '../support/admitting-plugin.ts'
import { createTestServer, type TestClient, type TestServer, typesOf } from '../support/test-server.ts'

const ANSWER_MS = 10
const ROOM = 'room:lobby'
const BOARD = 'presence:board'

interface Setting {
  readonly server: TestServer
  readonly clock: ManualClock
  readonly allowed: Set<string>
  /** What the plugin was told, and what its joins came to. */
  readonly told: string[]
  /** Sends, and lets the rules answer. */
  answered(client: TestClient, message: object): Promise<void>
}

/** Rules that are looked up: their answer is that of when they were asked, and comes later. */
function setting(): Setting {
  const clock = createManualClock()
  const allowed = new Set(['ann', 'bob'])
  const told: string[] = []
  const rule = async ({ id }: { readonly id: string }): Promise<boolean> => {
    const isAllowed = allowed.has(id)
    await new Promise<void>((resolve) => clock.setTimeout(resolve, ANSWER_MS))
    return isAllowed
  }
  const server = createTestServer({
    clock,
    policies: policies(allowChannel('room', rule), allowChannel('presence', rule)),
    plugins: [admittingPlugin(told)],
  })
  return {
    server,
    clock,
    allowed,
    told,
    async answered(client, message) {
      client.send(message)
      await clock.advance(ANSWER_MS)
      await client.take()
    },
  }
}

const subscribe = (channel: string): object => ({ type: 'subscribe', channel, requestId: 's' })
const word = { type: 'message', channel: ROOM, payload: 'MARK', requestId: 'm' }

test('a word of somebody whose right is asked about waits for the answer', async () => {
  const { server, clock, allowed, answered } = setting()
  const [ann, bob] = [await server.connect('ann@red'), await server.connect('bob@red')]
  await answered(ann, subscribe(ROOM))
  await answered(bob, subscribe(ROOM))
  allowed.delete('ann')
  const done = server.rightsChanged({ userId: 'ann' })
  ann.send(word)
  await clock.advance(ANSWER_MS)
  await done
  expect(await bob.take()).toEqual([])
  expect((await ann.take()).map(({ type, requestId, payload }) => [type, requestId, payload.code])).toEqual([
    ['error', undefined, 'forbidden'],
    ['error', 'm', 'forbidden'],
  ])
})

test('a word is not let through by an answer of before: the rule is asked again', async () => {
  const { server, clock, allowed, answered } = setting()
  const [ann, bob] = [await server.connect('ann@red'), await server.connect('bob@red')]
  await answered(bob, subscribe(ROOM))
  ann.send(word)
  await clock.advance(ANSWER_MS / 2)
  allowed.delete('ann')
  await server.rightsChanged({ userId: 'ann' })
  await clock.advance(2 * ANSWER_MS)
  expect(await bob.take()).toEqual([])
  expect((await ann.take()).at(-1)).toMatchObject({
    type: 'error',
    requestId: 'm',
    payload: { code: 'forbidden' },
  })
})

test('a plugin that subscribes meanwhile waits for the answer, and a no is told to both who asked', async () => {
  const { server, clock, allowed, told, answered } = setting()
  const ann = await server.connect('ann@red')
  await answered(ann, subscribe(BOARD))
  told.length = 0
  allowed.delete('ann')
  const done = server.rightsChanged({ userId: 'ann' })
  ann.send({ type: 'presence:join', channel: BOARD, requestId: 'j' })
  await clock.advance(0)
  expect(told).toEqual([])
  await clock.advance(ANSWER_MS)
  await done
  expect((await ann.take()).map(({ type, requestId }) => [type, requestId])).toEqual([
    ['error', undefined],
    ['error', 'j'],
  ])
  expect(told).toEqual(['unsubscribed', 'join refused'])
})

test('a plugin that subscribes meanwhile goes on with a yes', async () => {
  const { server, clock, told, answered } = setting()
  const ann = await server.connect('ann@red')
  await answered(ann, subscribe(BOARD))
  told.length = 0
  const done = server.rightsChanged({ userId: 'ann' })
  ann.send({ type: 'presence:join', channel: BOARD, requestId: 'j' })
  await clock.advance(ANSWER_MS)
  await done
  expect(await ann.take()).toEqual([])
  expect(told).toEqual(['rechecked', 'join installed'])
  expect([...server.channels.subscribers(BOARD)]).toEqual([ann.id])
})

test('rights that change once more while they are asked about are asked about once more, and nothing is said', async () => {
  const { server, clock, allowed, told, answered } = setting()
  const ann = await server.connect('ann@red')
  await answered(ann, subscribe(BOARD))
  told.length = 0
  allowed.delete('ann')
  const first = server.rightsChanged({ userId: 'ann' })
  await clock.advance(ANSWER_MS / 2)
  allowed.add('ann')
  const second = server.rightsChanged({ channel: BOARD })
  await clock.advance(2 * ANSWER_MS)
  await Promise.all([first, second])
  expect(await ann.take()).toEqual([])
  expect(told).toEqual(['rechecked'])
  expect([...server.channels.subscribers(BOARD)]).toEqual([ann.id])
})

test('who ends a subscription that is asked about is gone for the plugin', async () => {
  const { server, clock, told, answered } = setting()
  const ann = await server.connect('ann@red')
  await answered(ann, subscribe(BOARD))
  told.length = 0
  const done = server.rightsChanged({ userId: 'ann' })
  expect(typesOf(await ann.ask({ type: 'unsubscribe', channel: BOARD }))).toEqual(['unsubscribed'])
  await clock.advance(ANSWER_MS)
  await done
  expect(told).toEqual(['unsubscribed'])
  expect(server.channels).toMatchObject({ subscriptionCount: 0, channelCount: 0 })
})

test.each([true, false])(
  'who subscribes anew while asked about is gone for the plugin if refused, and only then (allowed: %s)',
  async (isAllowed) => {
    const { server, clock, allowed, told, answered } = setting()
    const ann = await server.connect('ann@red')
    await answered(ann, subscribe(BOARD))
    told.length = 0
    if (!isAllowed) allowed.delete('ann')
    const done = server.rightsChanged({ userId: 'ann' })
    ann.send(subscribe(BOARD))
    await clock.advance(2 * ANSWER_MS)
    await done
    expect(typesOf(await ann.take())).toEqual([isAllowed ? 'subscribed' : 'error'])
    expect(told).toEqual([isAllowed ? 'subscribed' : 'unsubscribed'])
    expect(server.channels.subscriptionCount).toBe(isAllowed ? 1 : 0)
  },
)

test.each([true, false])(
  'who is subscribing anew when rights change hears nothing until that is answered (allowed: %s)',
  async (isAllowed) => {
    const { server, clock, allowed, told, answered } = setting()
    const ann = await server.connect('ann@red')
    await answered(ann, subscribe(BOARD))
    told.length = 0
    ann.send(subscribe(BOARD))
    await clock.advance(ANSWER_MS / 2)
    if (!isAllowed) allowed.delete('ann')
    const done = server.rightsChanged({ userId: 'ann' })
    expect([...server.channels.subscribers(BOARD)]).toEqual([])
    await clock.advance(2 * ANSWER_MS)
    await done
    expect(typesOf(await ann.take())).toEqual([isAllowed ? 'subscribed' : 'error'])
    expect(told).toEqual([isAllowed ? 'subscribed' : 'unsubscribed'])
  },
)

test.each(['before it is asked for once more', 'after that'])(
  'words said in a room, asked about %s, come with the yes',
  async (when) => {
    const { server, clock, answered } = setting()
    const ann = await server.connect('ann@red')
    await answered(ann, subscribe(ROOM))
    const ask = (): void => void server.rightsChanged({ userId: 'ann' })
    const say = (payload: string): void =>
      void server.connections.broadcast(ROOM, { type: 'message', payload })
    if (when === 'after that') ann.send(subscribe(ROOM))
    ask()
    say('first')
    if (when !== 'after that') ann.send(subscribe(ROOM))
    await clock.advance(ANSWER_MS / 2)
    say('second')
    expect(await ann.take()).toEqual([])
    await clock.advance(2 * ANSWER_MS)
    say('third')
    const heard = await ann.take()
    expect(heard.filter(({ type }) => type === 'message').map(({ payload }) => payload)).toEqual([
      'first',
      'second',
      'third',
    ])
    expect(heard.filter(({ type }) => type !== 'message')).toMatchObject([
      { type: 'subscribed', requestId: 's' },
    ])
  },
)

test('a no to who asks for a room once more says nothing of what was said meanwhile', async () => {
  const { server, clock, allowed, answered } = setting()
  const ann = await server.connect('ann@red')
  await answered(ann, subscribe(ROOM))
  allowed.delete('ann')
  void server.rightsChanged({ userId: 'ann' })
  server.connections.broadcast(ROOM, { type: 'message', payload: 'MARK' })
  ann.send(subscribe(ROOM))
  await clock.advance(2 * ANSWER_MS)
  expect(typesOf(await ann.take())).toEqual(['error'])
})
