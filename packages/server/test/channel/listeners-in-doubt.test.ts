// The rule of a channel without rows fails while rights are asked about anew: nobody knows whether its subscribers may go on. They
// stay, hear nothing, and are asked about again; nobody is told that they have gone.
import { expect, test } from 'vitest'
import { allowChannel } from '../../src/policy/channel-rule.ts'
import { policies } from '../../src/policy/policies.ts'
import { allow } from '../../src/policy/rule.ts'
import { admittingPlugin } from '../support/admitting-plugin.ts'
import { Task } from '../support/entities.ts'
import { createTestServer, type TestClient, type TestServer, typesOf } from '../support/test-server.ts'

type Lookup = 'yes' | 'no' | 'throws' | 'rejects' | 'hangs'

const ROOM = 'room:lobby'
const BOARD = 'presence:board'
/** The longest first wait: a second and a quarter. */
const FIRST_MS = 1_250

interface Setting {
  readonly server: TestServer
  /** What the rules answer of each user. */
  readonly lookups: Map<string, Lookup>
  /** How often they were asked. */
  readonly asked: { count: number }
  /** What the plugin was told, and what its messages came to. */
  readonly told: string[]
}

function setting(): Setting {
  const lookups = new Map<string, Lookup>()
  const asked = { count: 0 }
  const told: string[] = []
  const rule = ({ id }: { readonly id: string }): boolean | Promise<boolean> => {
    asked.count++
    const lookup = lookups.get(id) ?? 'yes'
    if (lookup === 'throws') throw new Error('MARK')
    if (lookup === 'rejects') return Promise.reject(new Error('MARK'))
    return lookup === 'hangs' ? new Promise(() => {}) : lookup === 'yes'
  }
  const server = createTestServer({
    policies: policies(
      allowChannel('room', rule),
      allowChannel('presence', rule),
      allow(Task, () => true),
    ),
    plugins: [admittingPlugin(told)],
  })
  return { server, lookups, asked, told }
}

const subscribe = (channel: string, payload: object = {}): object => ({ type: 'subscribe', channel, payload })
const update = { type: 'presence:update', channel: BOARD, payload: { metadata: {} }, requestId: 'u' }

/** Ann, who hears the channels, and whose rule fails when rights change. */
async function inDoubt(
  { server, lookups, told }: Setting,
  { lookup = 'rejects', channels = [BOARD] }: { lookup?: Lookup; channels?: string[] } = {},
): Promise<TestClient> {
  const ann = await server.connect('ann@red')
  for (const channel of channels) await ann.ask(subscribe(channel))
  told.length = 0
  lookups.set('ann', lookup)
  const done = server.rightsChanged({ userId: 'ann' })
  if (lookup === 'hangs') await server.clock.advance(5_000)
  await done
  return ann
}

const listeners = ({ channels }: TestServer): number => [...channels.subscribers(BOARD)].length

test.each<[Lookup]>([['throws'], ['rejects'], ['hangs']])(
  'whose rule %s stays, hears nothing, and goes on when it answers',
  async (lookup) => {
    const the = setting()
    const ann = await inDoubt(the, { lookup })
    expect([await ann.take(), the.told, listeners(the.server)]).toEqual([[], [], 0])
    expect(the.server.channels.subscriptionCount).toBe(1)
    the.lookups.set('ann', 'yes')
    await the.server.clock.advance(FIRST_MS)
    expect([await ann.take(), the.told, listeners(the.server)]).toEqual([[], ['rechecked'], 1])
  },
)

test('a no that comes in the end is a no, and says nothing of what was said meanwhile', async () => {
  const the = setting()
  const ann = await inDoubt(the, { channels: [ROOM] })
  const bob = await the.server.connect('bob@red')
  await bob.ask({ type: 'message', channel: ROOM, payload: 'MARK' })
  the.lookups.set('ann', 'no')
  await the.server.clock.advance(FIRST_MS)
  expect(await ann.take()).toMatchObject([
    { type: 'error', channel: ROOM, payload: { code: 'forbidden' }, ended: true },
  ])
  expect(the.server.channels.subscriptionCount).toBe(0)
})

test('words said in a room meanwhile come with the yes, and not before', async () => {
  const the = setting()
  const ann = await inDoubt(the, { channels: [ROOM] })
  const bob = await the.server.connect('bob@red')
  await bob.ask({ type: 'message', channel: ROOM, payload: 'hello' })
  expect(await ann.take()).toEqual([])
  the.lookups.set('ann', 'yes')
  await the.server.clock.advance(FIRST_MS)
  expect(await ann.take()).toMatchObject([{ type: 'message', payload: 'hello' }])
})

test.each([
  ['many', 65, 'x'],
  ['long', 20, 'x'.repeat(40_000)],
])('too %s words said meanwhile are lost, and nobody leaves for that', async (_what, count, payload) => {
  const the = setting()
  const ann = await inDoubt(the, { channels: [ROOM, BOARD] })
  const say = (): void => {
    for (const channel of [ROOM, BOARD] as const)
      the.server.connections.broadcast(channel, { type: 'message', payload })
  }
  for (let said = 0; said < count; said++) say()
  the.lookups.set('ann', 'yes')
  await the.server.clock.advance(FIRST_MS)
  expect([await ann.take(), the.told, listeners(the.server)]).toEqual([[], ['rechecked'], 1])
  say()
  expect(typesOf(await ann.take())).toEqual(['message', 'message'])
})

test('as many words as may collect all come', async () => {
  const the = setting()
  const ann = await inDoubt(the, { channels: [ROOM] })
  for (let payload = 0; payload < 64; payload++)
    the.server.connections.broadcast(ROOM, { type: 'message', payload })
  the.lookups.set('ann', 'yes')
  await the.server.clock.advance(FIRST_MS)
  expect((await ann.take()).map((message) => message.payload)).toEqual([...Array(64).keys()])
})

test('it is asked about less and less often, and ends with busy after about a minute', async () => {
  const the = setting()
  const ann = await inDoubt(the)
  const asks: number[] = []
  for (let second = 1; second <= 120; second++) {
    const before = the.asked.count
    await the.server.clock.advance(1_000)
    if (the.asked.count > before) asks.push(second)
    if (second === 60) expect([await ann.take(), the.told]).toEqual([[], []])
  }
  expect(asks).toEqual([2, 4, 8, 17, 35, 69])
  expect(await ann.take()).toMatchObject([
    { type: 'error', channel: BOARD, payload: { code: 'busy', retryAfterMs: 1_000 }, ended: true },
  ])
  expect(the.told).toEqual(['unsubscribed'])
  expect(the.server.channels.subscriptionCount).toBe(0)
})

test('a message that needs the answer waits for it, and one at the end is refused with the subscription', async () => {
  const the = setting()
  const ann = await inDoubt(the)
  expect([await ann.ask(update), the.told]).toEqual([[], []])
  the.lookups.set('ann', 'yes')
  await the.server.clock.advance(FIRST_MS)
  expect([await ann.take(), the.told]).toEqual([[], ['rechecked', 'update installed']])
  the.lookups.set('ann', 'throws')
  await the.server.rightsChanged({ userId: 'ann' })
  await ann.ask(update)
  await the.server.clock.advance(80_000)
  expect((await ann.take()).map(({ requestId, payload }) => [requestId, payload.code])).toEqual([
    [undefined, 'busy'],
    ['u', 'busy'],
  ])
  expect(the.told.slice(2)).toEqual(['unsubscribed', 'update refused'])
})

test('a message that is refused meanwhile, and names no request, is told from the end of the subscription', async () => {
  const the = setting()
  const ann = await inDoubt(the, { channels: [ROOM] })
  const [refused] = await ann.ask({ type: 'message', channel: ROOM, payload: 'hello' })
  expect(refused).toMatchObject({ type: 'error', channel: ROOM, payload: { code: 'busy' } })
  expect(refused).not.toHaveProperty('requestId')
  expect(refused).not.toHaveProperty('ended')
})

test('a message that waits is answered when the subscription is ended', async () => {
  const the = setting()
  const ann = await inDoubt(the)
  await ann.ask(update)
  const answers = await ann.ask({ type: 'unsubscribe', channel: BOARD, requestId: 'bye' })
  expect(answers).toMatchObject([
    { type: 'error', requestId: 'u', payload: { code: 'cancelled' } },
    { type: 'unsubscribed', requestId: 'bye' },
  ])
  expect(the.told).toEqual(['unsubscribed', 'update refused'])
})

test('rights that change once more while in doubt are asked about at once', async () => {
  const the = setting()
  const ann = await inDoubt(the)
  the.lookups.set('ann', 'yes')
  await the.server.rightsChanged({ userId: 'ann' })
  expect([await ann.take(), the.told, listeners(the.server)]).toEqual([[], ['rechecked'], 1])
})

test('who says that rights have changed waits for one answer, not for the end of the doubt', async () => {
  const the = setting()
  const ann = await inDoubt(the)
  await the.server.rightsChanged({ userId: 'ann' })
  the.lookups.set('ann', 'hangs')
  const asking = the.server.rightsChanged({ userId: 'ann' })
  const again = the.server.rightsChanged({ channel: BOARD })
  await the.server.clock.advance(10_000)
  await Promise.all([asking, again])
  expect([await ann.take(), the.told, listeners(the.server)]).toEqual([[], [], 0])
})

const again = { ...subscribe(BOARD), requestId: 'again' }
/** Longer than the second wait, which a refused request begins. */
const SECOND_MS = 2_500

test.each<[Lookup]>([['throws'], ['rejects'], ['hangs']])(
  'asked for once more while its rule %s: the new request alone is refused, and the subscription goes on',
  async (lookup) => {
    const the = setting()
    const ann = await inDoubt(the, { lookup })
    ann.send(again)
    if (lookup === 'hangs') await the.server.clock.advance(5_000)
    const [refused, ...others] = await ann.take()
    expect(refused).toMatchObject({ requestId: 'again', payload: { code: 'busy', retryAfterMs: 1_000 } })
    expect([refused?.ended, others]).toEqual([undefined, []])
    expect([the.told, the.server.channels.subscriptionCount, listeners(the.server)]).toEqual([[], 1, 0])
    the.lookups.set('ann', 'yes')
    await the.server.clock.advance(SECOND_MS)
    expect([await ann.take(), the.told, listeners(the.server)]).toEqual([[], ['rechecked'], 1])
  },
)

test('asked for once more when nobody was in doubt, and its rule fails now: it hears nothing until it is known', async () => {
  const the = setting()
  const ann = await the.server.connect('ann@red')
  await ann.ask(subscribe(ROOM))
  the.lookups.set('ann', 'throws')
  expect(await ann.ask({ ...again, channel: ROOM })).toMatchObject([
    { type: 'error', requestId: 'again', payload: { code: 'busy' } },
  ])
  the.server.connections.broadcast(ROOM, { type: 'message', payload: 'hello' })
  expect(await ann.take()).toEqual([])
  the.lookups.set('ann', 'yes')
  await the.server.clock.advance(FIRST_MS)
  expect(await ann.take()).toMatchObject([{ type: 'message', payload: 'hello' }])
})

test('who asks for it again and again does not stay in doubt for longer', async () => {
  const the = setting()
  const ann = await inDoubt(the)
  const hasEnded = async (): Promise<boolean> => (await ann.ask(again)).some(({ ended }) => ended === true)
  let second = 0
  while (second < 90 && !(await hasEnded())) {
    await the.server.clock.advance(1_000)
    second++
  }
  expect([second, the.told, the.server.channels.subscriptionCount]).toEqual([60, ['unsubscribed'], 0])
})

test('a message that waits goes on waiting when the channel is asked for once more', async () => {
  const the = setting()
  const ann = await inDoubt(the)
  await ann.ask(update)
  expect((await ann.ask(again)).map(({ requestId }) => requestId)).toEqual(['again'])
  await ann.ask({ ...update, requestId: 'v' })
  the.lookups.set('ann', 'yes')
  await the.server.clock.advance(SECOND_MS)
  expect(await ann.take()).toEqual([])
  expect(the.told).toEqual(['rechecked', 'update installed', 'update installed'])
})

test('who says that rights have changed while it is asked for once more waits for one answer', async () => {
  const the = setting()
  const ann = await inDoubt(the, { lookup: 'hangs' })
  ann.send(again)
  await ann.take()
  the.lookups.set('ann', 'rejects')
  await the.server.rightsChanged({ userId: 'ann' })
  expect((await ann.take()).map(({ requestId }) => requestId)).toEqual(['again'])
  expect([the.told, the.server.channels.subscriptionCount]).toEqual([[], 1])
})

test('asked for once more, and unsubscribed at once, it is not asked about any more and leaves no timer', async () => {
  const the = setting()
  const ann = await inDoubt(the, { lookup: 'throws' })
  const bob = await the.server.connect('bob@red')
  await ann.ask(again)
  await ann.ask({ type: 'unsubscribe', channel: BOARD })
  await the.server.clock.advance(0)
  const { count } = the.asked
  const timers = the.server.clock.pendingTimers
  await the.server.clock.advance(120_000)
  expect([the.asked.count, the.server.clock.pendingTimers]).toEqual([count, timers])
  expect([the.told, bob.closed]).toEqual([['unsubscribed'], null])
})

test('a no to who asks once more is a no to what there was', async () => {
  const the = setting()
  const ann = await inDoubt(the)
  the.lookups.set('ann', 'no')
  expect(await ann.ask(again)).toMatchObject([
    { requestId: 'again', payload: { code: 'forbidden' }, ended: true },
  ])
  expect([the.told, the.server.channels.subscriptionCount]).toEqual([['unsubscribed'], 0])
})

test('a request that fails before its rule is asked leaves what there was in doubt, not silent for ever', async () => {
  const the = setting()
  const ann = await inDoubt(the)
  const { ready } = the.server.eventBus
  Object.assign(the.server.eventBus, { ready: () => Promise.reject(new Error('The log cannot be read.')) })
  expect(await ann.ask(again)).toMatchObject([{ requestId: 'again', payload: { code: 'internal' } }])
  Object.assign(the.server.eventBus, { ready })
  the.lookups.set('ann', 'yes')
  await the.server.clock.advance(SECOND_MS)
  expect([await ann.take(), the.told, listeners(the.server)]).toEqual([[], ['rechecked'], 1])
})

test('one whose rule fails disturbs nobody else on the channel', async () => {
  const the = setting()
  await inDoubt(the)
  const bob = await the.server.connect('bob@red')
  await bob.ask(subscribe(BOARD))
  const { count } = the.asked
  await the.server.clock.advance(FIRST_MS)
  expect(the.asked.count).toBe(count + 1)
  expect(listeners(the.server)).toBe(1)
})

test.each<[string, (client: TestClient) => unknown]>([
  ['unsubscribes', (client) => client.ask({ type: 'unsubscribe', channel: BOARD })],
  ['disconnects', (client) => client.pair.cut()],
])('who %s while in doubt is not asked about any more, and leaves no timer', async (_what, leave) => {
  const the = setting()
  const bob = await the.server.connect('bob@red')
  const ann = await inDoubt(the)
  await leave(ann)
  await the.server.clock.advance(0)
  const { count } = the.asked
  const timers = the.server.clock.pendingTimers
  await the.server.clock.advance(120_000)
  expect(the.asked.count).toBe(count)
  expect(the.server.clock.pendingTimers).toBe(timers)
  expect(the.server.channels.subscriptionCount).toBe(0)
  expect(bob.closed).toBe(null)
})

test('a doubt about a room does not hold up the position of rows', async () => {
  const the = setting()
  const ann = await inDoubt(the, { channels: [ROOM, 'entity:Task'] })
  expect(typesOf(await ann.take())).toEqual([])
  expect((await ann.ask({ type: 'ping' }))[0]).toHaveProperty('position')
})
