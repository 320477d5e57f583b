import { type Clock, formatChannel } from '@dnr/protocol'
import { createManualClock, drainMicrotasks } from '@dnr/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Arrivals, createArrivals } from '../../src/connection/arrivals.ts'
import type { Credentials } from '../../src/connection/authenticate.ts'
import type { Connection } from '../../src/connection/connection.ts'
import { policies } from '../../src/policy/policies.ts'
import { allow } from '../../src/policy/rule.ts'
import { Task } from '../support/entities.ts'
import { authenticate, createTestServer, type TestClient, typesOf } from '../support/test-server.ts'

/** A clock by which each look takes a while, and a server that keeps account of what it handles. */
function slowArrivals({ lookMs = 1, isCrowded = (): boolean => false } = {}) {
  let passedMs = 0
  const later: (() => void)[] = []
  const clock: Clock = {
    ...createManualClock(),
    monotonic: () => (passedMs += lookMs),
    setTimeout(callback) {
      later.push(callback)
      return () => {}
    },
  }
  const handled: string[] = []
  const arrivals: Arrivals = createArrivals(clock, isCrowded, (connection, text) => {
    if (text === 'auth') Object.assign(connection, { state: { status: 'authenticating' } })
    handled.push(`${connection.id} ${text}`)
  })
  const turn = async (): Promise<void> => {
    later.shift()?.()
    await drainMicrotasks()
  }
  return { arrivals, handled, turn }
}

const connectionOf = (id: string): Connection =>
  ({ id, waiting: null, state: { status: 'open', principal: null } }) as unknown as Connection

const subscribe = (n: number | string) => `"subscribe" ${n}`

test('who asks to subscribe when the time of a turn is over waits for the next, others are answered at once', async () => {
  const { arrivals, handled, turn } = slowArrivals()
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(connectionOf) as [
    Connection,
    Connection,
    Connection,
    Connection,
  ]
  for (const each of [a, b, c]) arrivals.take(each, subscribe(1))
  arrivals.take(d, 'ping')
  expect(handled).toEqual(['a "subscribe" 1', 'd ping'])
  await turn()
  expect(handled.slice(2)).toEqual(['b "subscribe" 1'])
  await turn()
  expect(handled.slice(3)).toEqual(['c "subscribe" 1'])
})

test('a turn takes as many as there is time for', async () => {
  const { arrivals, handled, turn } = slowArrivals({ lookMs: 0.3 })
  for (let n = 0; n < 12; n++) arrivals.take(connectionOf(`${n}`), subscribe(n))
  expect(handled).toHaveLength(4)
  await turn()
  expect(handled).toHaveLength(8)
  await turn()
  expect(handled).toEqual(Array.from({ length: 12 }, (_, n) => `${n} ${subscribe(n)}`))
})

test('where many wait to read already, a turn takes one', async () => {
  let isCrowded = true
  const { arrivals, handled, turn } = slowArrivals({ lookMs: 0.3, isCrowded: () => isCrowded })
  for (let n = 0; n < 9; n++) arrivals.take(connectionOf(`${n}`), subscribe(n))
  expect(handled).toHaveLength(1)
  await turn()
  expect(handled).toHaveLength(2)
  isCrowded = false
  await turn()
  expect(handled).toHaveLength(6)
  await turn()
  expect(handled).toEqual(Array.from({ length: 9 }, (_, n) => `${n} ${subscribe(n)}`))
})

test('a process that is kept waiting for longer than a turn goes on all the same', async () => {
  const { arrivals, handled, turn } = slowArrivals({ lookMs: 50 })
  for (let n = 0; n < 4; n++) arrivals.take(connectionOf(`${n}`), subscribe(n))
  for (let turns = 0; turns < 3; turns++) await turn()
  expect(handled).toHaveLength(4)
})

test('what a connection said first is handled first, whatever waits and whenever turns come', async () => {
  const step = fc.oneof(
    fc.record({ who: fc.integer({ min: 0, max: 2 }), isLong: fc.boolean() }),
    fc.constant('turn' as const),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.constantFrom(0.2, 1, 7), async (steps, lookMs) => {
      const { arrivals, handled, turn } = slowArrivals({ lookMs })
      const connections = ['a', 'b', 'c'].map(connectionOf)
      const said: string[] = []
      for (const [n, each] of steps.entries()) {
        if (each === 'turn') await turn()
        else {
          const connection = connections[each.who] as Connection
          const text = each.isLong ? subscribe(n) : `${n}`
          said.push(`${connection.id} ${text}`)
          arrivals.take(connection, text)
        }
      }
      for (let turns = 0; turns < 40; turns++) await turn()
      const of = (id: string, texts: string[]) => texts.filter((text) => text.startsWith(id))
      for (const { id, waiting } of connections) {
        expect(of(id, handled)).toEqual(of(id, said))
        expect(waiting).toBeNull()
      }
    }),
  )
})

test('of a connection that says more than may wait, everything is handled at once', () => {
  const { arrivals, handled } = slowArrivals()
  const talker = connectionOf('t')
  arrivals.take(connectionOf('a'), subscribe(0))
  arrivals.take(talker, subscribe(0))
  for (let n = 0; handled.length === 1 && n < 100; n++) {
    arrivals.take(talker, 'x'.repeat(10_000))
    expect(talker.waiting?.size ?? 0).toBeLessThanOrEqual(65_536)
  }
  expect(handled).toHaveLength(1 + 8)
  expect(talker.waiting).toBeNull()
})

test('what follows an auth waits for its outcome and not for a turn', () => {
  const { arrivals, handled } = slowArrivals()
  const own = connectionOf('b')
  arrivals.take(connectionOf('a'), subscribe(0))
  for (const text of ['auth', subscribe(1)]) arrivals.take(own, text)
  expect(handled.slice(1)).toEqual(['b auth', `b ${subscribe(1)}`])
})

test('what waits behind an auth goes on in its order when that is accepted, at the pace of turns', async () => {
  const { arrivals, handled, turn } = slowArrivals()
  const own = connectionOf('b')
  const texts = [subscribe(1), 'auth', subscribe(2), 'ping', subscribe(3)]
  arrivals.take(connectionOf('a'), subscribe(0))
  for (const text of texts) arrivals.take(own, text)
  expect(handled).toHaveLength(1)
  await turn()
  await turn()
  expect(handled.slice(1)).toEqual([`b ${subscribe(1)}`, 'b auth'])
  Object.assign(own, { state: { status: 'open', principal: null } })
  arrivals.take(own, 'late')
  arrivals.goOn(own)
  for (let turns = 0; turns < 3; turns++) await turn()
  expect(handled.slice(1)).toEqual([...texts, 'late'].map((text) => `b ${text}`))
})

const CHANNEL = formatChannel({ kind: 'entity', entity: 'Task' })

/** A server whose clock says that a second passes between any two looks: no turn has time for a second subscribe. */
async function busyServer(options: Parameters<typeof createTestServer>[0] = {}) {
  const manual = createManualClock()
  let passedMs = 0
  const server = createTestServer({
    ...options,
    clock: { ...manual, monotonic: () => (passedMs += 1_000) },
  })
  const [first, second] = [await server.connect('ann@red'), await server.connect('bob@red')]
  const drain = async (client: TestClient) => {
    for (let turn = 0; turn < 4; turn++) {
      await manual.advance(1)
      await drainMicrotasks()
    }
    return client.take()
  }
  await drain(first)
  await drain(second)
  return { server, first, second, drain }
}

test('a ping behind a subscribe that waits is answered after it, that of another connection before', async () => {
  const { first, second, drain } = await busyServer()
  first.send({ type: 'subscribe', channel: CHANNEL })
  for (const message of [{ type: 'subscribe', channel: CHANNEL }, { type: 'ping' }]) second.send(message)
  first.send({ type: 'ping' })
  expect(typesOf(await first.take())).toEqual(['subscribed', 'pong'])
  expect(await second.take()).toEqual([])
  expect(typesOf(await drain(second))).toEqual(['subscribed', 'pong'])
})

test('what was said before the socket was gone counts, and leaves nothing behind', async () => {
  const { server, first, second, drain } = await busyServer()
  const heard: unknown[] = []
  server.connections.handle('app:note', ({ payload }) => void heard.push(payload))
  first.send({ type: 'subscribe', channel: CHANNEL })
  second.send({ type: 'subscribe', channel: CHANNEL })
  second.send({ type: 'app:note', payload: 'last words' })
  await drainMicrotasks()
  expect(heard).toEqual([])
  second.socket.close()
  await drain(first)
  expect(heard).toEqual(['last words'])
  expect(server.channels.subscriptionCount).toBe(1)
  expect([...server.channels.subscribers(CHANNEL)]).toEqual([first.id])
})

test('a connection that is closed while it waits hears nothing more', async () => {
  const { server, first, second, drain } = await busyServer()
  first.send({ type: 'subscribe', channel: CHANNEL })
  second.send({ type: 'subscribe', channel: CHANNEL })
  await drainMicrotasks()
  server.connections.disconnectUser('bob')
  expect(typesOf(await drain(second))).toEqual([])
  expect(server.channels.subscriptionCount).toBe(1)
})

test('an auth behind a subscribe that waits has room for as many frames as one that does not', async () => {
  const { first, second, drain } = await busyServer({
    authenticate: async (credentials: Credentials) => authenticate(credentials),
  })
  first.send({ type: 'subscribe', channel: CHANNEL })
  second.send({ type: 'subscribe', channel: CHANNEL })
  second.send({ type: 'auth', payload: { token: 'bob@red' } })
  await drainMicrotasks()
  for (let n = 0; n < 20; n++) second.send({ type: 'ping', requestId: `p${n}` })
  const pongs = Array.from({ length: 20 }, () => 'pong')
  expect(typesOf(await drain(second))).toEqual(['subscribed', 'authenticated', ...pongs])
  expect(second.closed).toBeNull()
})

test('for those who are gone while they wait no rule is asked; what they told the application counts', async () => {
  let asked = 0
  const rule = allow(Task, () => {
    asked++
    return true
  })
  const { server, first, second, drain } = await busyServer({ policies: policies(rule) })
  const heard: unknown[] = []
  server.connections.handle('app:note', ({ payload }) => void heard.push(payload))
  first.send({ type: 'subscribe', channel: CHANNEL })
  second.send({ type: 'subscribe', channel: CHANNEL })
  second.send({ type: 'app:note', payload: 'about "subscribe"' })
  await drainMicrotasks()
  second.socket.close()
  await drain(first)
  expect([heard, asked]).toEqual([['about "subscribe"'], 1])
})
