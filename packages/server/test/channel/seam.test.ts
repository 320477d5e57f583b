// Snapshot and resume meet the live stream: nothing lost, nothing twice, nothing out of order, nothing that may not be seen.
import { drainMicrotasks } from '@dnr/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { allow } from '../../src/policy/rule.ts'
import { policies } from '../../src/policy/policies.ts'
import { Task } from '../support/entities.ts'
import { gate } from '../support/gate.ts'
import { createMemoryStore, task } from '../support/memory-store.ts'
import { createTestServer, type Received, typesOf } from '../support/test-server.ts'

const subscribe = (payload?: object): object => ({
  type: 'subscribe',
  channel: 'entity:Task',
  ...(payload && { payload }),
})
const at = (offset: number, epoch = 'e1'): object => ({ epoch, offset })

test('a snapshot comes in chunks, and what was written meanwhile after it', async () => {
  const memory = createMemoryStore({ chunkRows: 2 })
  const server = createTestServer({ memory })
  memory.write(['a', 'b', 'c'].map((id) => ({ id, row: task('red') })))
  memory.write([{ id: 'x', row: task('blue') }])
  const client = await server.connect()
  await client.take()
  const second = gate(memory, 'chunk')
  client.send({ ...subscribe({ snapshot: true, subscription: 'k' }), requestId: 'r' })
  await second.reached
  memory.write([{ id: 'a', row: { title: 'later' } }])
  memory.write([{ id: 'd', row: task('red') }])
  const [first] = await client.take()
  expect(first).toMatchObject({
    type: 'subscribed',
    requestId: 'r',
    subscription: 'k',
    payload: { position: at(4), recovered: false, snapshot: { more: true } },
  })
  expect(first?.payload.snapshot.rows.map(({ id }: { id: string }) => id)).toEqual(['a', 'b'])
  second.open()
  const rest = await client.take()
  expect(typesOf(rest)).toEqual(['snapshot', 'entity:updated', 'entity:created'])
  // The second part was read after both writes.
  expect(rest[0]).toMatchObject({ subscription: 'k', payload: { more: false, readTo: at(6) } })
  memory.write([{ id: 'e', row: task('red') }])
  expect(typesOf(await client.take())).toEqual(['entity:created'])
})

test('a write between installing and reading is in the snapshot and not sent again', async () => {
  const memory = createMemoryStore()
  const server = createTestServer({ memory })
  const client = await server.connect()
  await client.take()
  const before = gate(memory, 'snapshot')
  client.send(subscribe({ snapshot: true }))
  await before.reached
  memory.write([{ id: 'a', row: task('red') }])
  before.open()
  const answers = await client.take()
  expect(typesOf(answers)).toEqual(['subscribed'])
  expect(answers[0]?.payload).toMatchObject({
    position: at(1),
    snapshot: { rows: [{ id: 'a' }], more: false },
  })
  expect(answers[0]?.payload.snapshot).not.toHaveProperty('readTo')
})

test('what was committed before, but published only after the snapshot was read, is not sent again', async () => {
  const server = createTestServer()
  const client = await server.connect()
  server.memory.write([{ id: 'a', row: task('red') }], { publish: false })
  const answers = await client.ask(subscribe({ snapshot: true }))
  expect(answers[0]?.payload.snapshot.rows).toHaveLength(1)
  server.memory.write([{ id: 'b', row: task('red') }])
  // The first is known by its version; the second is news.
  expect((await client.take()).map(({ payload }) => payload.id)).toContain('b')
})

test('a position that holds: recovered, then what was missed in order, then live', async () => {
  const server = createTestServer()
  const before = server.memory.position()
  server.memory.write([{ id: 'a', row: task('red') }])
  server.memory.write([
    { id: 'a', row: { title: 'y' } },
    { id: 'b', row: task('red') },
    { id: 'c', row: task('blue') },
  ])
  const client = await server.connect()
  const answers = await client.ask({ ...subscribe({ position: before, snapshot: true }), requestId: 'r' })
  expect(answers[0]).toMatchObject({
    type: 'subscribed',
    requestId: 'r',
    payload: { position: before, recovered: true },
  })
  expect(answers[0]?.payload).not.toHaveProperty('snapshot')
  expect(
    answers.slice(1).map(({ type, payload, position, more }) => [type, payload.id, position.offset, more]),
  ).toEqual([
    ['entity:created', 'a', 1, undefined],
    ['entity:updated', 'a', 2, true],
    ['entity:created', 'b', 3, undefined],
  ])
  server.memory.write([{ id: 'd', row: task('red') }])
  expect(typesOf(await client.take())).toEqual(['entity:created'])
})

test('at the head nothing is read: recovered at once', async () => {
  const server = createTestServer()
  server.memory.write([{ id: 'a', row: task('red') }])
  const client = await server.connect()
  server.memory.gate = () => Promise.reject(new Error('nothing is to be read'))
  const answers = await client.ask(subscribe({ position: at(1) }))
  expect(answers.map(({ payload }) => payload)).toEqual([{ position: at(1), recovered: true }])
})

test.each([
  ['an unknown epoch', at(1, 'other')],
  ['a place beyond the head', at(99)],
  ['a place below the floor', at(0)],
])('%s is not recovered: as if it had not been sent', async (_, position) => {
  const server = createTestServer()
  server.memory.write([{ id: 'a', row: task('red') }])
  server.memory.write([{ id: 'b', row: task('red') }])
  server.memory.trimTo(1)
  const client = await server.connect()
  const [bare] = await client.ask(subscribe({ position }))
  expect(bare?.payload).toEqual({ position: at(2), recovered: false })
  const [full] = await client.ask(subscribe({ position, snapshot: true }))
  expect(full?.payload).toMatchObject({
    position: at(2),
    recovered: false,
    snapshot: { rows: [{ id: 'a' }, { id: 'b' }], more: false },
  })
})

test('what is written while the log is read comes once, after it', async () => {
  const memory = createMemoryStore({ pageChanges: 1 })
  const server = createTestServer({ memory })
  for (const id of ['a', 'b']) memory.write([{ id, row: task('red') }])
  const client = await server.connect()
  await client.take()
  const reading = gate(memory, 'history')
  client.send(subscribe({ position: at(0) }))
  await reading.reached
  memory.write([{ id: 'c', row: task('red') }])
  reading.open()
  for (let turn = 0; turn < 10; turn++) await server.clock.advance(10)
  const answers = await client.take()
  expect(answers.map(({ type, payload }) => [type, payload.id])).toEqual([
    ['subscribed', undefined],
    ['entity:created', 'a'],
    ['entity:created', 'b'],
    ['entity:created', 'c'],
  ])
})

test('more than may collect while reading is let go and read from the log instead', async () => {
  const memory = createMemoryStore({ chunkRows: 1 })
  const server = createTestServer({ memory, limits: { maxQueueBytes: null } })
  memory.write(['a', 'b'].map((id) => ({ id, row: task('red') })))
  const client = await server.connect()
  const second = gate(memory, 'chunk')
  client.send(subscribe({ snapshot: true }))
  await second.reached
  for (let count = 0; count < 10; count++)
    memory.write([{ id: `n${count}`, row: task('red', 'x'.repeat(60_000)) }])
  const history = gate(memory, 'history')
  second.open()
  await history.reached
  memory.write([{ id: 'during', row: task('red') }])
  history.open()
  await client.take()
  memory.write([{ id: 'last', row: task('red') }])
  await client.take()
  const ids = client.received
    .filter(({ type }) => type.startsWith('entity:'))
    .map(({ payload }) => payload.id as string)
  // What a later chunk of the snapshot held already comes as well, and is known by its version.
  const expected = [...Array.from({ length: 10 }, (_, count) => `n${count}`), 'during', 'last']
  expect(ids).toEqual(expected)
})

test('too much that comes while a read of the log is on its way is read again', async () => {
  const server = createTestServer({ limits: { maxQueueBytes: null } })
  server.memory.write([{ id: 'a', row: task('red') }])
  const client = await server.connect()
  await client.take()
  const reading = gate(server.memory, 'history read')
  client.send(subscribe({ position: at(0) }))
  await reading.reached
  for (let count = 0; count < 10; count++)
    server.memory.write([{ id: `n${count}`, row: task('red', 'x'.repeat(60_000)) }])
  reading.open()
  for (let turn = 0; turn < 5; turn++) await server.clock.advance(10)
  server.memory.write([{ id: 'last', row: task('red') }])
  const ids = (await client.take()).slice(1).map(({ payload }) => payload.id as string)
  expect(ids).toEqual(['a', ...Array.from({ length: 10 }, (_, count) => `n${count}`), 'last'])
})

test('a read that was on its way when an event came is not shared with who subscribes after the event', async () => {
  const server = createTestServer()
  server.memory.write([{ id: 'a', row: task('red') }])
  const [ann, bob] = [await server.connect('ann@red'), await server.connect('bob@red')]
  for (const client of [ann, bob]) await client.take()
  const reading = gate(server.memory, 'history read')
  ann.send(subscribe({ position: at(0) }))
  await reading.reached
  server.memory.write([{ id: 'b', row: task('red') }])
  bob.send(subscribe({ position: at(0) }))
  await drainMicrotasks()
  reading.open()
  for (const client of [ann, bob]) {
    expect((await client.take()).map(({ payload }) => payload.id)).toEqual([undefined, 'a', 'b'])
  }
})

test('the log is trimmed under a reader: it is told, with rows', async () => {
  const memory = createMemoryStore({ pageChanges: 1 })
  const server = createTestServer({ memory })
  for (const id of ['a', 'b', 'c']) memory.write([{ id, row: task('red') }])
  const client = await server.connect()
  await client.ask(subscribe({ position: at(0), snapshot: true }))
  memory.trimTo(3)
  for (let turn = 0; turn < 5; turn++) await server.clock.advance(10)
  const answers = client.received.filter(({ type }) => type === 'subscribed')
  expect(answers.map(({ payload }) => payload.recovered)).toEqual([true, false])
  expect(answers[1]?.payload.snapshot.rows).toHaveLength(3)
})

test('a replay shows nothing of a row that may not be seen any more, but that it left', async () => {
  const server = createTestServer()
  server.memory.write([{ id: 'a', row: task('red', 'old') }])
  const position = server.memory.position()
  server.memory.write([{ id: 'a', row: { title: 'MARK-between' } }])
  server.memory.write([{ id: 'a', row: { team: 'blue', title: 'MARK-gone' } }])
  server.memory.write([{ id: 'b', row: task('red', 'MARK-b') }])
  server.memory.write([{ id: 'b', row: { team: 'blue' } }])
  const client = await server.connect('ann@red')
  const answers = await client.ask(subscribe({ position }))
  expect(typesOf(answers)).toEqual(['subscribed', 'entity:deleted left'])
  expect(answers[1]?.payload).toEqual({ id: 'a' })
  expect(JSON.stringify(answers)).not.toContain('MARK')
})

test('a replay takes away a row that was deleted and made again where it may not be seen', async () => {
  const memory = createMemoryStore()
  memory.write([{ id: 'a', row: task('red') }])
  const server = createTestServer({ memory })
  const client = await server.connect()
  await client.take()
  memory.write([{ id: 'a', row: null }])
  memory.write([{ id: 'a', row: task('blue') }])
  const answers = await client.ask(subscribe({ position: at(1) }))
  expect(typesOf(answers)).toEqual(['subscribed', 'entity:deleted'])
  expect(answers[1]).toMatchObject({ payload: { id: 'a', version: 2 }, position: at(2) })
})

test('nor when it leaves sight only after the page that is being sent', async () => {
  const memory = createMemoryStore({ pageChanges: 1 })
  const server = createTestServer({ memory })
  memory.write([{ id: 'a', row: task('red', 'old') }])
  const position = memory.position()
  memory.write([{ id: 'a', row: { title: 'MARK' } }])
  memory.write([{ id: 'a', row: { team: 'blue' } }])
  const client = await server.connect('ann@red')
  await client.take()
  client.send(subscribe({ position }))
  for (let turn = 0; turn < 5; turn++) await server.clock.advance(10)
  const answers = await client.take()
  expect(typesOf(answers)).toEqual(['subscribed', 'entity:deleted left'])
  expect(JSON.stringify(answers)).not.toContain('MARK')
})

const writes = fc.record({
  id: fc.constantFrom('a', 'b', 'c', 'd'),
  team: fc.constantFrom('red', 'red', 'blue', null),
})

test('nor of one that came and went, however the log is cut into pages', async () => {
  let pages = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(writes, { minLength: 1, maxLength: 4 }), { minLength: 4, maxLength: 12 }),
      fc.record({
        pageChanges: fc.integer({ min: 1, max: 6 }),
        maxWholeChanges: fc.constantFrom(1, undefined),
      }),
      fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
      fc.record({ unpublished: fc.nat({ max: 6 }), turns: fc.nat({ max: 12 }) }),
      async (transactions, options, begins, lag) => {
        const memory = createMemoryStore({
          pageChanges: options.pageChanges,
          ...(options.maxWholeChanges && { maxWholeChanges: options.maxWholeChanges }),
        })
        const server = createTestServer({ memory })
        const seen = (): Set<string> =>
          new Set([...memory.rows.values()].filter((row) => row['team'] === 'red').map(({ id }) => id))
        const states = [{ position: memory.position(), seen: seen() }]
        for (const [index, each] of transactions.entries()) {
          const isThere = new Set(memory.rows.keys())
          const possible = each.filter(({ id, team }) => team !== null || isThere.delete(id))
          if (possible.length === 0) continue
          const publish = index < transactions.length - lag.unpublished
          memory.write(
            possible.map(({ id, team }) => ({ id, row: team === null ? null : task(team) })),
            { publish },
          )
          states.push({ position: memory.position(), seen: seen() })
        }
        const clients = await Promise.all(
          begins.map(async (begin) => {
            const state = states[begin % states.length] as (typeof states)[number]
            const client = await server.connect('ann@red')
            client.send(subscribe({ position: state.position }))
            return { state, client }
          }),
        )
        for (let turn = 0; turn < 60; turn++) {
          if (turn === lag.turns) memory.publishRest()
          await server.clock.advance(1)
        }
        for (const { state, client } of clients) {
          const shown = new Set(state.seen)
          const events = (await client.take()).filter(({ type }) => type.startsWith('entity:'))
          for (const { type, payload } of events)
            if (type === 'entity:deleted') expect(shown.delete(payload.id)).toBe(true)
            else shown.add(payload.id)
          expect(shown).toEqual(seen())
          if (events.length > options.pageChanges) pages++
        }
      },
    ),
    { numRuns: 100 },
  )
  expect(pages).toBeGreaterThan(20)
})

test('nor of one that goes while it is read, when the end of the log is at hand from before that', async () => {
  const memory = createMemoryStore({ pageChanges: 64 })
  const server = createTestServer({ memory })
  memory.write([{ id: 'gone', row: task('red') }])
  for (let n = 0; n < 127; n++) memory.write([{ id: `x${n}`, row: task('red') }])
  const turn = async (): Promise<void> => {
    for (let count = 0; count < 20; count++) await server.clock.advance(1)
  }
  // As long as somebody reads, what others have read is kept.
  const [reading, other, client] = [await server.connect(), await server.connect(), await server.connect()]
  const snapshot = gate(memory, 'snapshot')
  reading.send(subscribe({ snapshot: true }))
  await snapshot.reached
  other.send(subscribe({ position: at(64) }))
  await turn()
  memory.write([{ id: 'gone', row: task('blue') }], { publish: false })
  client.send(subscribe({ position: at(0) }))
  await turn()
  memory.publishRest()
  await turn()
  const heard = (await client.take()).filter(({ type }) => type.startsWith('entity:'))
  expect(heard).toHaveLength(127)
  expect(JSON.stringify(heard)).not.toContain('gone')
  snapshot.open()
})

test('members of a group that come back together read once and share the frames', async () => {
  const server = createTestServer()
  for (const id of ['a', 'b', 'c']) server.memory.write([{ id, row: task('red') }])
  let reads = 0
  server.memory.gate = (what) => {
    if (what === 'history') reads++
  }
  const clients = await Promise.all(['ann', 'bob', 'cat'].map((name) => server.connect(`${name}@red`)))
  const frames = new Set<unknown>()
  for (const client of clients) {
    const { send } = client.pair.server
    client.pair.server.send = (frame) => {
      if (frame.text.includes('entity:')) frames.add(frame)
      send(frame)
    }
    client.send(subscribe({ position: at(0) }))
  }
  for (const client of clients) {
    expect(typesOf((await client.take()).slice(-3))).toEqual([
      'entity:created',
      'entity:created',
      'entity:created',
    ])
  }
  expect(reads).toBe(1)
  // Three events, and `subscribed` for each.
  expect(frames.size).toBe(3 + 3)
})

test('a pong says no position while a subscription still reads', async () => {
  const server = createTestServer()
  server.memory.write([{ id: 'a', row: task('red') }])
  const client = await server.connect()
  await client.take()
  const reading = gate(server.memory, 'snapshot')
  client.send(subscribe({ snapshot: true }))
  await reading.reached
  expect(await client.ask({ type: 'ping' })).toEqual([{ type: 'pong', timestamp: server.clock.now() }])
  reading.open()
  await client.take()
  expect((await client.ask({ type: 'ping' }))[0]?.position).toEqual(at(1))
})

test('a large snapshot waits for a reader that is slow, and does not close it', async () => {
  const memory = createMemoryStore()
  const server = createTestServer({ memory, limits: { maxQueueBytes: 200_000 } })
  const title = 'x'.repeat(10_000)
  memory.write(Array.from({ length: 100 }, (_, index) => ({ id: `r${index}`, row: task('red', title) })))
  const client = await server.connect()
  await client.take()
  client.pair.stall('to-client')
  client.send(subscribe({ snapshot: true }))
  await drainMicrotasks()
  await server.clock.advance(1_000)
  expect(client.pair.server.bufferedBytes).toBeLessThan(200_000)
  client.pair.resume('to-client')
  for (let turn = 0; turn < 50; turn++) await server.clock.advance(10)
  const rows = (await client.take()).flatMap(({ payload }) => (payload.snapshot ?? payload).rows as unknown[])
  expect(rows).toHaveLength(100)
  expect(client.closed).toBeNull()
})

test('who asks for everything many times at once has one read under way, and one answer for each', async () => {
  const memory = createMemoryStore()
  memory.write([{ id: 't1', row: task('red') }])
  const server = createTestServer({ memory })
  const client = await server.connect()
  await client.take()
  const begun: (() => void)[] = []
  memory.gate = (what) => (what === 'snapshot' ? new Promise((resolve) => begun.push(resolve)) : undefined)
  for (let id = 1; id <= 20; id++)
    client.send({ type: 'subscribe', channel: `entity:Task:${id}`, payload: { snapshot: true } })
  const answers: Received[] = []
  for (let read = 1; read <= 20; read++) {
    answers.push(...(await client.take()))
    expect([begun.length, answers.length]).toEqual([read, read - 1])
    begun.at(-1)?.()
  }
  answers.push(...(await client.take()))
  expect(typesOf(answers)).toEqual(Array.from({ length: 20 }, () => 'subscribed'))
})

test('a reader that takes nothing for half a minute is closed', async () => {
  const memory = createMemoryStore()
  const server = createTestServer({
    memory,
    limits: { maxQueueBytes: 100_000 },
    heartbeatIntervalMs: 3_600_000,
  })
  memory.write(
    Array.from({ length: 100 }, (_, index) => ({ id: `r${index}`, row: task('red', 'x'.repeat(10_000)) })),
  )
  const client = await server.connect()
  client.pair.stall('to-client')
  client.send(subscribe({ snapshot: true }))
  await drainMicrotasks()
  await server.clock.advance(32_000)
  expect(server.connections.connectionCount).toBe(0)
})

test('what collects behind one reading is bounded for the whole connection, and nothing of it is missed', async () => {
  const memory = createMemoryStore()
  const server = createTestServer({ memory, limits: { maxQueueBytes: null } })
  memory.write([{ id: 'a', row: task('red') }])
  const client = await server.connect()
  await client.take()
  const first = gate(memory, 'snapshot')
  const keys = Array.from({ length: 20 }, (_, index) => `k${index}`)
  for (const subscription of keys) client.send(subscribe({ snapshot: true, subscription }))
  await first.reached
  await drainMicrotasks()
  const openings = [...(server.connections.find(client.id)?.subscriptions?.values() ?? [])]
  expect(openings).toHaveLength(20)
  let mostBytes = 0
  for (let n = 0; n < 100; n++) {
    memory.write([{ id: 'a', row: { title: `${n}`.padStart(10_000) } }])
    mostBytes = Math.max(
      mostBytes,
      openings.reduce((sum, { opening }) => sum + (opening?.bytes ?? 0), 0),
    )
  }
  expect(mostBytes).toBeLessThan(524_288 + 11_000)
  first.open()
  for (let turn = 0; turn < 100; turn++) await server.clock.advance(10)
  const told = await client.take()
  for (const key of keys) {
    const rows = told
      .filter(({ subscription }) => subscription === key)
      .flatMap(({ type, payload }) => (type === 'subscribed' ? payload.snapshot.rows : [payload]))
    expect(rows.at(-1)).toMatchObject({ id: 'a', version: 101 })
  }
})

// Races

test('unsubscribe during authorisation: the late answer installs nothing', async () => {
  let answer: (rule: boolean) => void = () => {}
  const slow = policies(allow(Task, () => new Promise<boolean>((resolve) => (answer = resolve))))
  const server = createTestServer({ policies: slow })
  const client = await server.connect()
  await client.take()
  client.send({ ...subscribe(), requestId: 'r1' })
  client.send({ type: 'unsubscribe', channel: 'entity:Task', requestId: 'r2' })
  const answers = await client.take()
  expect(answers.map(({ type, requestId, payload }) => [type, requestId, payload?.code])).toEqual([
    ['error', 'r1', 'cancelled'],
    ['unsubscribed', 'r2', undefined],
  ])
  answer(true)
  await drainMicrotasks()
  expect(server.channels.subscriptionCount).toBe(0)
  server.memory.write([{ id: 'a', row: task('red') }])
  expect(await client.take()).toEqual([])
})

test('subscribe, unsubscribe, subscribe in a row: each is answered in order, the last one stands', async () => {
  const server = createTestServer()
  const client = await server.connect()
  await client.take()
  client.send({ ...subscribe(), requestId: '1' })
  client.send({ type: 'unsubscribe', channel: 'entity:Task', requestId: '2' })
  client.send({ ...subscribe({ snapshot: true }), requestId: '3' })
  expect((await client.take()).map(({ type, requestId }) => [type, requestId])).toEqual([
    ['subscribed', '1'],
    ['unsubscribed', '2'],
    ['subscribed', '3'],
  ])
  expect(server.channels.subscriptionCount).toBe(1)
})

test('of two subscribes under one key the second wins, however late the first is authorised', async () => {
  const answers: ((rule: boolean) => void)[] = []
  const slow = policies(allow(Task, () => new Promise<boolean>((resolve) => void answers.push(resolve))))
  const server = createTestServer({ policies: slow })
  const client = await server.connect()
  await client.take()
  client.send({ ...subscribe({ query: { where: { title: 'a' } } }), requestId: '1' })
  client.send({ ...subscribe({ query: { where: { title: 'b' } } }), requestId: '2' })
  await drainMicrotasks()
  answers[1]?.(true)
  await drainMicrotasks()
  answers[0]?.(true)
  expect((await client.take()).map(({ type, requestId }) => [type, requestId])).toEqual([
    ['error', '1'],
    ['subscribed', '2'],
  ])
  server.memory.write([{ id: 'a', row: task('red', 'a') }])
  server.memory.write([{ id: 'b', row: task('red', 'b') }])
  expect((await client.take()).map(({ payload }) => payload.id)).toEqual(['b'])
})

test('a connection that ends during authorisation or a snapshot leaves nothing behind', async () => {
  let answer: (rule: boolean) => void = () => {}
  const slow = policies(allow(Task, () => new Promise<boolean>((resolve) => (answer = resolve))))
  const authorising = createTestServer({ policies: slow })
  const first = await authorising.connect()
  first.send(subscribe())
  await drainMicrotasks()
  first.pair.cut()
  await drainMicrotasks()
  answer(true)
  await drainMicrotasks()
  expect(authorising.channels).toMatchObject({ subscriptionCount: 0, groupCount: 0, channelCount: 0 })

  const reading = createTestServer({ memory: createMemoryStore({ chunkRows: 1 }) })
  reading.memory.write(['a', 'b', 'c'].map((id) => ({ id, row: task('red') })))
  const second = await reading.connect()
  const chunk = gate(reading.memory, 'chunk')
  second.send(subscribe({ snapshot: true }))
  await chunk.reached
  second.pair.cut()
  await drainMicrotasks()
  chunk.open()
  await drainMicrotasks()
  expect(reading.channels).toMatchObject({ subscriptionCount: 0, groupCount: 0, channelCount: 0 })
})

test('unsubscribe during a snapshot ends it: nothing of it follows', async () => {
  const server = createTestServer({ memory: createMemoryStore({ chunkRows: 1 }) })
  server.memory.write(['a', 'b', 'c'].map((id) => ({ id, row: task('red') })))
  const client = await server.connect()
  const chunk = gate(server.memory, 'chunk')
  client.send(subscribe({ snapshot: true }))
  await chunk.reached
  client.send({ type: 'unsubscribe', channel: 'entity:Task' })
  await client.take()
  chunk.open()
  server.memory.write([{ id: 'd', row: task('red') }])
  expect(await client.take()).toEqual([])
  expect(client.received.at(-1)?.type).toBe('unsubscribed')
})

test('a row that one of a group has read before the log told the others of it is not taken away from those', async () => {
  const server = createTestServer()
  const { memory } = server
  const ann = await server.connect('ann@red')
  await ann.ask(subscribe())
  memory.write([{ id: 'r', row: task('blue') }], { publish: false })
  memory.write([{ id: 'r', row: task('red') }], { publish: false })
  const bob = await server.connect('bob@red')
  const [answer] = await bob.ask(subscribe({ snapshot: true }))
  expect(answer?.payload.snapshot.rows).toMatchObject([{ id: 'r', version: 2 }])
  memory.publishRest()
  expect(await ann.take()).toMatchObject([
    { type: 'entity:created', reason: 'entered', payload: { id: 'r', version: 2 }, position: at(2) },
  ])
})

test('a change that meant nothing to those who were there is in what a newcomer with another query resumes', async () => {
  const memory = createMemoryStore()
  const everything = policies(allow(Task, () => ({ key: 'all', sees: () => true })))
  const server = createTestServer({ memory, policies: everything })
  // Fewer changes are not kept for others.
  for (let count = 0; count < 70; count++)
    memory.write([{ id: 'r', row: { ...task('red'), title: `${count}` } }])
  const reading = await server.connect('bob@red')
  const snapshot = gate(memory, 'snapshot')
  reading.send(subscribe({ snapshot: true, query: { where: { team: 'green' } } }))
  await snapshot.reached
  const red = await server.connect('ann@red')
  await red.ask(subscribe({ position: at(10), query: { where: { team: 'red' } } }))
  memory.write([{ id: 'b', row: task('blue') }])
  const blue = await server.connect('tom@red')
  const [answer] = await blue.ask(subscribe({ position: at(50), query: { where: { team: 'blue' } } }))
  expect(answer?.payload).toMatchObject({ recovered: true })
  await server.clock.advance(1)
  expect(await blue.take()).toMatchObject([
    { type: 'entity:created', payload: { id: 'b' }, position: at(71) },
  ])
  snapshot.open()
})

test('a row that was read ahead and then told to all is taken away from all', async () => {
  const server = createTestServer()
  const { memory } = server
  const ann = await server.connect('ann@red')
  await ann.ask(subscribe())
  memory.write([{ id: 'r', row: task('red') }], { publish: false })
  const bob = await server.connect('bob@red')
  await bob.ask(subscribe({ snapshot: true }))
  memory.publishRest()
  memory.write([{ id: 'r', row: { title: 'later' } }])
  memory.write([{ id: 'r', row: task('blue') }])
  expect(typesOf(await ann.take())).toEqual(['entity:created', 'entity:updated', 'entity:deleted left'])
})
