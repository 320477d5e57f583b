// A transaction that comes in parts: nobody is sent any of it before its end, and then all of it, in order and marked as one.
import type { Change } from '@dnr/protocol'
import { createDeferred } from '@dnr/internal'
import { drainMicrotasks } from '@dnr/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { policies } from '../../src/policy/policies.ts'
import { allow } from '../../src/policy/rule.ts'
import { Task, type User } from '../support/entities.ts'
import { createMemoryStore, task, type Write } from '../support/memory-store.ts'
import {
  createTestServer,
  type Received,
  type TestClient,
  type TestServer,
  typesOf,
} from '../support/test-server.ts'

const subscribe = (payload?: object, channel = 'entity:Task'): object => ({
  type: 'subscribe',
  channel,
  ...(payload && { payload }),
})

function createServer(options: Parameters<typeof createTestServer>[0] & { pageChanges?: number } = {}) {
  const { pageChanges = 2, ...others } = options
  return createTestServer({ memory: createMemoryStore({ pageChanges, maxWholeChanges: 2 }), ...others })
}

/** Committed, and not handed over yet: the parts. */
function commitLong(
  { memory }: TestServer,
  writes: readonly Write[],
  partChanges = 2,
): (readonly Change[])[] {
  const { sink } = memory
  memory.sink = null
  const changes = memory.write(writes)
  memory.sink = sink
  const parts: (readonly Change[])[] = []
  for (let from = 0; from < changes.length; from += partChanges)
    parts.push(changes.slice(from, from + partChanges))
  return parts
}

/** What comes until the event loop has turned as often as there is something to read. */
async function takeAll({ clock }: TestServer, client: TestClient): Promise<Received[]> {
  for (let turn = 0; turn < 30; turn++) {
    await drainMicrotasks()
    await clock.advance(0)
  }
  return client.take()
}

const rows = (team: string, ...ids: readonly string[]): Write[] => ids.map((id) => ({ id, row: task(team) }))
const events = (messages: readonly Received[]): unknown[] =>
  messages.map(({ payload, position, more }) => [payload?.id, position?.offset, more === true])
const pongAt = async (client: TestClient): Promise<unknown> =>
  (await client.ask({ type: 'ping' })).find(({ type }) => type === 'pong')?.['position']

test('who is live is sent all of it at its end, as one, and what follows after it', async () => {
  const server = createServer()
  const client = await server.connect()
  await client.ask(subscribe({ snapshot: true }))
  const [first = [], second = [], third = []] = commitLong(server, rows('red', 'a', 'b', 'c', 'd', 'e'))
  server.eventBus.publish(first)
  server.eventBus.publish(second)
  expect(await takeAll(server, client)).toEqual([])
  expect(server.eventBus.position).toMatchObject({ offset: 0 })
  expect(await pongAt(client)).toMatchObject({ offset: 0 })
  server.eventBus.publish(third)
  server.memory.write(rows('red', 'f'))
  const sent = await takeAll(server, client)
  expect(events(sent.filter(({ type }) => type !== 'pong'))).toEqual([
    ['a', 1, true],
    ['b', 2, true],
    ['c', 3, true],
    ['d', 4, true],
    ['e', 5, false],
    ['f', 6, false],
  ])
  expect(await pongAt(client)).toMatchObject({ offset: 6 })
  server.memory.write(rows('red', 'g'))
  expect(events(await takeAll(server, client))).toEqual([['g', 7, false]])
})

test('parts that come again are dropped, and listeners hear every change once', async () => {
  const server = createServer()
  const heard: number[] = []
  server.eventBus.on((changes) => void heard.push(...changes.map(({ position }) => position.offset)))
  const client = await server.connect()
  await client.ask(subscribe())
  for (const part of commitLong(server, rows('red', 'a', 'b', 'c', 'd', 'e'))) {
    server.eventBus.publish(part)
    server.eventBus.publish(part)
  }
  expect(heard).toEqual([1, 2, 3, 4, 5])
  const sent = await takeAll(server, client)
  expect(sent.map(({ position }) => position?.offset)).toEqual([1, 2, 3, 4, 5])
})

test('the last event that somebody sees is marked as the last, wherever the log is cut', async () => {
  const server = createServer()
  const client = await server.connect('bob@blue')
  await client.ask(subscribe())
  const writes = [
    ...rows('blue', 'a'),
    ...rows('red', 'b', 'c'),
    ...rows('blue', 'd'),
    ...rows('red', 'e', 'f', 'g'),
  ]
  for (const part of commitLong(server, writes)) server.eventBus.publish(part)
  expect(events(await takeAll(server, client))).toEqual([
    ['a', 1, true],
    ['d', 4, false],
  ])
})

test('whom it does not concern goes on hearing, and is asked for nothing', async () => {
  const server = createServer()
  let reads = 0
  const client = await server.connect('bob@blue')
  const other = await server.connect()
  await client.ask(subscribe())
  await other.ask(subscribe(undefined, 'entity:Task:z'))
  server.memory.gate = (what) => void (what === 'history' && reads++)
  for (const part of commitLong(server, rows('red', 'a', 'b', 'c'))) server.eventBus.publish(part)
  server.memory.write(rows('blue', 'd'))
  expect(events(await takeAll(server, client))).toEqual([['d', 4, false]])
  expect(await pongAt(other)).toMatchObject({ offset: 4 })
  expect(reads).toBe(0)
})

for (const [name, payload] of [
  ['with a snapshot', { snapshot: true }],
  ['with the position before it', { position: { epoch: 'e1', offset: 1 } }],
  ['from now on', undefined],
] as const)
  test(`who comes in the middle ${name} has all of it in the end, once`, async () => {
    const server = createServer()
    server.memory.write(rows('red', 'z'))
    const [first = [], ...others] = commitLong(server, rows('red', 'a', 'b', 'c', 'd'))
    server.eventBus.publish(first)
    const client = await server.connect()
    const answers = await client.ask(subscribe(payload))
    for (const part of others) server.eventBus.publish(part)
    server.memory.write(rows('red', 'e'))
    const sent = [...answers, ...(await takeAll(server, client))]
    const shown = (sent[0]?.payload.snapshot?.rows ?? []).map(({ id }: { id: string }) => id)
    const told = sent.filter(({ type }) => type.startsWith('entity:')).map(({ payload: row }) => row.id)
    const isSnapshot = name === 'with a snapshot'
    expect(shown).toEqual(isSnapshot ? ['a', 'b', 'c', 'd', 'z'] : [])
    expect(told).toEqual(isSnapshot ? ['e'] : ['a', 'b', 'c', 'd', 'e'])
  })

test('who comes after the part that concerns them is sent it, too', async () => {
  const server = createServer()
  const [first = [], ...others] = commitLong(server, [
    ...rows('red', 'a', 'b'),
    ...rows('blue', 'c', 'd', 'e'),
  ])
  server.eventBus.publish(first)
  const client = await server.connect()
  await client.ask(subscribe({ position: { epoch: 'e1', offset: 0 } }))
  for (const part of others) server.eventBus.publish(part)
  expect(events(await takeAll(server, client))).toEqual([
    ['a', 1, true],
    ['b', 2, false],
  ])
})

test('rights that change in the middle: who has others asks anew, with what they had before it', async () => {
  const teams = new Map([['ann', 'red']])
  const server = createServer({
    policies: policies(
      allow(Task, (user: User | null) => {
        const team = teams.get(user?.id ?? '') ?? 'none'
        return user && { key: team, sees: (row) => row.team === team }
      }),
    ),
  })
  server.memory.write([...rows('red', 'r'), ...rows('blue', 'b')])
  const client = await server.connect('ann@red')
  await client.ask(subscribe({ snapshot: true }))
  // One row leaves the sight of red, and enters that of blue.
  const parts = commitLong(server, [...rows('blue', 'r'), ...rows('red', 'x', 'y'), ...rows('red', 'b')])
  server.eventBus.publish(parts[0] ?? [])
  teams.set('ann', 'blue')
  await server.rightsChanged({ userId: 'ann' })
  server.eventBus.publish(parts[1] ?? [])
  expect(typesOf(await takeAll(server, client))).toEqual(['unsubscribed'])
  const [answer] = await client.ask(subscribe({ snapshot: true }))
  expect(answer?.payload.snapshot.rows.map(({ id }: { id: string }) => id)).toEqual(['r'])
})

test('a gap in the middle of it sends everybody to ask anew, and what follows is told', async () => {
  const server = createServer()
  const client = await server.connect()
  await client.ask(subscribe({ snapshot: true }))
  const [first = []] = commitLong(server, rows('red', 'a', 'b', 'c', 'd'))
  server.eventBus.publish(first)
  server.eventBus.skipTo({ position: server.memory.position() })
  expect(typesOf(await takeAll(server, client))).toEqual(['unsubscribed'])
  await client.ask(subscribe({ snapshot: true }))
  server.memory.write(rows('red', 'e'))
  expect(events(await takeAll(server, client))).toEqual([['e', 5, false]])
})

test('a log that cannot be read sends away who would have to read it', async () => {
  const server = createServer()
  const client = await server.connect()
  await client.ask(subscribe({ snapshot: true }))
  server.memory.gate = (what) => (what === 'history' ? Promise.reject(new Error('no disk')) : undefined)
  for (const part of commitLong(server, rows('red', 'a', 'b', 'c'))) server.eventBus.publish(part)
  expect(typesOf(await takeAll(server, client))).toEqual(['unsubscribed'])
})

test.each(['reading', 'asked about', 'reading on'])(
  'a row that a rule takes away for another reason than the row is read anew, also by who is %s when it passes',
  async (state) => {
    let hidden = ''
    const rule = { key: 'k', sees: ({ id }: { id: string }) => id !== hidden }
    let asked: Promise<void> | undefined
    const server = createServer({
      policies: policies(
        allow(Task, async (user: User | null) => {
          await asked
          return user && rule
        }),
      ),
    })
    server.memory.write(rows('red', 'a', 'b', 'c'))
    const other = await server.connect()
    await other.ask(subscribe({ snapshot: true }))
    const client = await server.connect()
    const [first] = await client.ask(subscribe({ snapshot: true, grant: null }))
    const { position, grant } = first?.payload ?? {}
    const until = createDeferred()
    if (state === 'reading') {
      client.pair.cut()
      server.memory.write(rows('red', 'c'))
    }
    const reader = state === 'reading' ? await server.connect() : client
    if (state === 'asked about') {
      asked = until.promise
      void server.rightsChanged({ key: 'k' })
    } else server.memory.gate = (what) => (what === 'history' ? until.promise : undefined)
    if (state === 'reading') reader.send(subscribe({ snapshot: true, position, grant }))
    if (state === 'reading on')
      for (const part of commitLong(server, rows('red', 'c', 'c', 'c'))) server.eventBus.publish(part)
    await drainMicrotasks()
    hidden = 'a'
    for (const part of commitLong(server, rows('red', 'a', 'b', 'c'))) server.eventBus.publish(part)
    until.resolve()
    const sent = await takeAll(server, reader)
    const isReadAnew = sent.some(
      ({ type, payload }) => type === 'unsubscribed' || payload?.recovered === false,
    )
    const isNamed = sent.some(({ type, payload }) => type === 'entity:deleted' && payload.id === 'a')
    expect(isReadAnew || isNamed).toBe(true)
  },
)

test('a row that a rule takes away for another reason than the row is read anew by who is live when it passes', async () => {
  let hidden = ''
  const server = createServer({
    policies: policies(
      allow(Task, (user: User | null) => user && { key: 'k', sees: ({ id }) => id !== hidden }),
    ),
  })
  server.memory.write(rows('red', 'a', 'b'))
  const client = await server.connect()
  await client.ask(subscribe({ snapshot: true }))
  hidden = 'a'
  for (const part of commitLong(server, rows('red', 'a', 'b', 'c'))) server.eventBus.publish(part)
  expect(typesOf(await takeAll(server, client))).toEqual(['unsubscribed'])
})

const writes = fc.array(
  fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd'), team: fc.constantFrom('red', 'red', 'blue', null) }),
  { minLength: 1, maxLength: 12 },
)

test('however it is cut and read: what is seen of it, once, in order, with one end, and the rows as they are', async () => {
  let long = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(writes, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 5 }),
      async (transactions, pageChanges, partChanges) => {
        const server = createServer({ pageChanges })
        const client = await server.connect()
        await client.ask(subscribe({ snapshot: true }))
        const shown = new Map<string, number>()
        for (const each of transactions) {
          const isThere = new Set(server.memory.rows.keys())
          const possible = each.filter(({ id, team }) => team !== null || isThere.delete(id))
          // Deleted, a row may be made again; made again, deleted once more.
          const parts = commitLong(
            server,
            possible.map(({ id, team }) => ({ id, row: team === null ? null : task(team) })),
            partChanges,
          )
          if (parts.length > 1) long++
          for (const part of parts) server.eventBus.publish(part)
          const sent = await takeAll(server, client)
          const changes = parts.flat()
          const isSeen = (row: Change['after']): boolean => row?.['team'] === 'red'
          const seen = changes.filter(({ before, after }) => isSeen(before) || isSeen(after))
          // Of a row that is hidden later no more need be told than that it is gone.
          const owed = changes.filter(({ id, position }) =>
            changes.every(
              (other) => other.id !== id || other.position.offset < position.offset || isSeen(other.after),
            ),
          )
          const told = sent.map(({ position }) => position?.offset)
          expect(seen.map(({ position }) => position.offset)).toEqual(expect.arrayContaining(told))
          expect(told).toEqual(expect.arrayContaining(owed.map(({ position }) => position.offset)))
          for (const { type, payload } of sent)
            if (type === 'entity:deleted') shown.delete(payload.id)
            else shown.set(payload.id, payload.version)
          const visible = [...server.memory.rows.values()].filter(isSeen)
          expect(shown).toEqual(new Map(visible.map(({ id, version }) => [id, version])))
          expect(told).toEqual([...new Set(told)].sort((a = 0, b = 0) => a - b))
          expect(sent.map(({ more }) => more === true)).toEqual(
            sent.map((_, index) => index < sent.length - 1),
          )
        }
      },
    ),
    { numRuns: 200 },
  )
  expect(long).toBeGreaterThan(100)
})

test('whoever comes back, alone or among others, is told where each transaction ends', async () => {
  let cut = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 12 }),
      fc.integer({ min: 2, max: 8 }),
      fc.array(fc.nat(), { minLength: 1, maxLength: 6 }),
      async (lengths, pageChanges, begins) => {
        const server = createServer({ pageChanges })
        const { memory } = server
        for (const length of lengths)
          memory.write(rows('red', ...Array.from({ length }, (_, index) => `r${index}`)))
        const ends = [0, ...memory.log.filter(({ last }) => last).map(({ position }) => position.offset)]
        const clients = await Promise.all(
          begins.map(async (begin) => {
            const client = await server.connect()
            const from = ends[begin % ends.length] ?? 0
            client.send(subscribe({ position: { epoch: 'e1', offset: from } }))
            return { client, from }
          }),
        )
        for (const { client, from } of clients) {
          const told = events(
            (await takeAll(server, client)).filter(({ type }) => type.startsWith('entity:')),
          )
          const owed = memory.log.slice(from)
          expect(told).toEqual(owed.map(({ id, position, last }) => [id, position.offset, !last]))
          if (owed.some(({ last }) => !last)) cut++
        }
      },
    ),
    { numRuns: 300 },
  )
  expect(cut).toBeGreaterThan(100)
})

const isUnsubscribed = ({ type }: Received): boolean => type === 'unsubscribed'

test('who read ahead of the bus, which has caught up since, reads on like the others', async () => {
  const server = createServer()
  const { memory } = server
  memory.write(rows('red', 'a'))
  memory.write(rows('red', 'b'), { publish: false })
  const client = await server.connect()
  await client.ask(subscribe({ position: { epoch: 'e1', offset: 0 } }))
  await takeAll(server, client)
  // Nothing of this concerns it, so that it still waits for the bus.
  memory.write(rows('blue', 'z'))
  const parts = commitLong(server, rows('red', 'c', 'd', 'e'))
  for (const part of parts) server.eventBus.publish(part)
  expect(events(await takeAll(server, client))).toEqual([
    ['c', 4, true],
    ['d', 5, true],
    ['e', 6, false],
  ])
})

/** A rule that answers when it is told to. */
function createSlowRule() {
  let until: Promise<void> | undefined
  return {
    policies: policies(
      allow(Task, async (user: User | null) => {
        await until
        return user && { key: user.team, sees: ({ team }) => team === user.team }
      }),
    ),
    hold() {
      const { promise, resolve } = createDeferred()
      until = promise
      return resolve
    },
  }
}

test('whoever is asked about when it ends, and has the same rights, reads on', async () => {
  const slow = createSlowRule()
  const server = createServer({ policies: slow.policies })
  const [client, other] = [await server.connect(), await server.connect('bob@red')]
  for (const each of [client, other]) await each.ask(subscribe({ snapshot: true }))
  const answer = slow.hold()
  void server.rightsChanged({ userId: 'ann' })
  for (const part of commitLong(server, rows('red', 'b', 'c', 'd'))) server.eventBus.publish(part)
  await drainMicrotasks()
  answer()
  expect(events(await takeAll(server, client))).toEqual([
    ['b', 1, true],
    ['c', 2, true],
    ['d', 3, false],
  ])
})

test.each([
  ['the transaction passes', 'passing'],
  ['they read on', 'reading'],
])('rights that change while %s concern nobody else', async (_, when) => {
  const server = createServer({ policies: createSlowRule().policies })
  const reads = createDeferred()
  const [red, blue, green] = [
    await server.connect(),
    await server.connect('bob@blue'),
    await server.connect('tom@green'),
  ]
  for (const client of [red, blue, green]) await client.ask(subscribe({ snapshot: true }))
  server.memory.gate = (what) => (what === 'history' ? reads.promise : undefined)
  const [first = [], ...others] = commitLong(server, rows('red', 'b', 'c', 'd'))
  server.eventBus.publish(first)
  const isPassing = when === 'passing'
  const changed = (): void => {
    for (const key of ['green', 'never-seen']) void server.rightsChanged({ key })
  }
  if (isPassing) changed()
  for (const part of others) server.eventBus.publish(part)
  await drainMicrotasks()
  if (!isPassing) changed()
  await drainMicrotasks()
  expect(server.channels.channels.get('entity:Task')?.opening).toBe(1)
  reads.resolve()
  expect((await takeAll(server, red)).filter(isUnsubscribed)).toEqual([])
  expect(red.received.filter(({ type }) => type.startsWith('entity:'))).toHaveLength(3)
  expect(await takeAll(server, blue)).toEqual([])
})
