import { defineEntity, type WireRow } from '@dnr/protocol'
import { createRealtimeClient, decodeRows } from '@dnr/client'
import { createManualClock } from '@dnr/testing'
import { effect } from '@preact/signals-core'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createFakeServer } from '../fake-server.ts'
import { reconnect, settle, setUp, type Setup } from '../setup.ts'

const ids = (rows: readonly { readonly id: string }[]): string => rows.map(({ id }) => id).join('')

/** Everything a signal ever showed from here on. */
function record<Value>(signal: { readonly value: Value }): Value[] {
  const seen: Value[] = []
  effect(() => void seen.push(signal.value))
  seen.shift()
  return seen
}

function seed(t: Setup, ...names: string[]): void {
  t.server.commit(names.map((id, index) => ({ id, fields: { rank: index, team: 'red' } })))
}

test('(G88) shows the snapshot in order, then every change', async () => {
  await using t = await setUp({ chunkRows: 2 })
  seed(t, 'c', 'a', 'b', 'd', 'e')
  const tasks = t.client.collection('Task', { orderBy: [['rank', 'desc']] })
  expect([tasks.status.value, tasks.rows.value]).toEqual(['loading', []])
  await tasks.ready
  expect([tasks.status.value, ids(tasks.rows.value)]).toEqual(['live', 'edbac'])
  t.server.commit([
    { id: 'f', fields: { rank: 2.5 } },
    { id: 'c', fields: { rank: 9 } },
    { id: 'b', fields: null },
  ])
  await settle()
  expect(ids(tasks.rows.value)).toBe('cedfa')
  expect(tasks.position).toEqual(t.server.position())
  expect(tasks.byId('c')).toMatchObject({ rank: 9, version: 2 })
})

test('(G89) a deletion during the snapshot is not undone by its later chunks', async () => {
  await using t = await setUp()
  t.server.held.add('subscribe')
  const tasks = t.client.collection('Task')
  await settle()
  const requestId = t.server.heard('subscribe')[0]?.requestId
  const say = (message: object): void => t.server.peer.say({ channel: 'entity:Task', ...message })
  const at = (offset: number) => ({ epoch: 'e1', offset })
  say({
    type: 'subscribed',
    requestId,
    payload: { position: at(5), recovered: false, snapshot: { rows: [{ id: 'a', version: 1 }], more: true } },
  })
  say({ type: 'entity:deleted', payload: { id: 'b', version: 2 }, position: at(6) })
  say({ type: 'snapshot', payload: { rows: [{ id: 'b', version: 1 }], more: false } })
  await settle()
  expect(ids(tasks.rows.value)).toBe('a')
})

test('(G89) a deletion that a write’s answer told is not undone by an older snapshot or event', async () => {
  await using t = await setUp()
  seed(t, 'a', 'b')
  const tasks = t.client.collection('Task')
  await tasks.ready
  tasks.absorb({ id: 'a', row: null, version: 2, position: { epoch: 'e1', offset: 4 } })
  expect(ids(tasks.rows.value)).toBe('b')
  t.server.restore('e1', 3)
  await reconnect(t)
  expect([tasks.position?.offset, ids(tasks.rows.value)]).toEqual([3, 'b'])
  t.server.peer.say({
    type: 'entity:updated',
    channel: 'entity:Task',
    payload: { id: 'a', version: 1, late: true },
    position: { epoch: 'e1', offset: 4 },
  })
  await settle()
  expect(ids(tasks.rows.value)).toBe('b')
})

test('(G90) a creation during the snapshot survives chunks without it', async () => {
  await using t = await setUp()
  t.server.held.add('subscribe')
  const tasks = t.client.collection('Task')
  await settle()
  const requestId = t.server.heard('subscribe')[0]?.requestId
  const say = (message: object): void => t.server.peer.say({ channel: 'entity:Task', ...message })
  say({
    type: 'subscribed',
    requestId,
    payload: { position: { epoch: 'e1', offset: 5 }, recovered: false, snapshot: { rows: [], more: true } },
  })
  say({ type: 'entity:created', payload: { id: 'n', version: 1 }, position: { epoch: 'e1', offset: 6 } })
  say({ type: 'snapshot', payload: { rows: [{ id: 'b', version: 1 }], more: false } })
  await settle()
  expect(ids(tasks.rows.value)).toBe('bn')
})

test('a row of the snapshot that is newer than its position ignores the events it already holds, by number', async () => {
  await using t = await setUp()
  t.server.held.add('subscribe')
  const tasks = t.client.collection('Task')
  await settle()
  const requestId = t.server.heard('subscribe')[0]?.requestId
  const say = (message: object): void => t.server.peer.say({ channel: 'entity:Task', ...message })
  const rows = [{ id: 'a', version: 10, title: 'new' }]
  say({
    type: 'subscribed',
    requestId,
    payload: { position: { epoch: 'e1', offset: 5 }, recovered: false, snapshot: { rows, more: false } },
  })
  say({
    type: 'entity:updated',
    payload: { id: 'a', version: 9, title: 'old' },
    position: { epoch: 'e1', offset: 6 },
  })
  say({
    type: 'entity:updated',
    payload: { id: 'a', version: 10, title: 'same' },
    position: { epoch: 'e1', offset: 6 },
  })
  say({ type: 'entity:deleted', payload: { id: 'a', version: 9 }, position: { epoch: 'e1', offset: 7 } })
  await settle()
  expect(tasks.rows.value).toEqual(rows)
})

test('a row that entered and is known in a later version already is not taken back', async () => {
  await using t = await setUp()
  seed(t, 'a')
  t.server.commit([{ id: 'a', fields: { title: 'new' } }])
  const tasks = t.client.collection('Task')
  await tasks.ready
  const payload = { id: 'a', version: 1, title: 'old' }
  const position = { epoch: 'e1', offset: 3 }
  t.server.peer.say({ type: 'entity:created', channel: 'entity:Task', reason: 'entered', payload, position })
  await settle()
  expect(tasks.byId('a')).toMatchObject({ version: 2, title: 'new' })
})

test('(G92) a reconnect inside the replay window brings the missed events and no snapshot; rows stay, stale, meanwhile', async () => {
  await using t = await setUp()
  seed(t, 'a', 'b')
  const tasks = t.client.collection('Task')
  await tasks.ready
  const kinds: string[] = []
  tasks.onBatch(({ kind }) => kinds.push(kind))
  const before = tasks.byId('a')
  t.server.peer.pair.cut()
  await settle()
  expect([tasks.status.value, ids(tasks.rows.value)]).toEqual(['stale', 'ab'])
  t.server.commit([{ id: 'c', fields: {} }])
  await t.clock.advance(1_000)
  expect([tasks.status.value, ids(tasks.rows.value)]).toEqual(['live', 'abc'])
  expect(kinds).toEqual(['events'])
  expect(tasks.byId('a')).toBe(before)
})

test('(G93) a position that no longer holds is a difference: unchanged rows are the same objects, nothing flashes empty', async () => {
  await using t = await setUp()
  seed(t, 'a', 'b', 'c')
  const tasks = t.client.collection('Task')
  await tasks.ready
  const resynced: unknown[] = []
  t.client.on('resynced', (event) => resynced.push(event))
  const seen = record(tasks.rows)
  const changes: unknown[] = []
  tasks.onBatch((each) => changes.push(...each.changes))
  const before = tasks.rows.value
  t.server.peer.pair.cut()
  t.server.commit([
    { id: 'b', fields: { title: 'x' } },
    { id: 'c', fields: null },
    { id: 'd', fields: {} },
  ])
  t.server.trim()
  await t.clock.advance(1_000)
  expect(ids(tasks.rows.value)).toBe('abd')
  expect(tasks.rows.value[0]).toBe(before[0])
  expect(seen.map(ids)).toEqual(['abd'])
  expect(resynced).toHaveLength(1)
  expect(changes).toMatchObject([
    { id: 'b', version: 2 },
    { id: 'c', row: null, version: null },
    { id: 'd', version: 1 },
  ])
})

test('(G93) a resync in which nothing changed notifies nobody', async () => {
  await using t = await setUp()
  seed(t, 'a', 'b')
  const tasks = t.client.collection('Task')
  await tasks.ready
  const seen = record(tasks.rows)
  t.server.trim()
  t.server.restore('e1', 100)
  await reconnect(t)
  expect(tasks.status.value).toBe('live')
  expect(seen).toEqual([])
})

test('(G93) a restored backup wins, although its versions and offsets are lower', async () => {
  await using t = await setUp()
  seed(t, 'a')
  t.server.commit([{ id: 'a', fields: { title: 'lost' } }])
  const tasks = t.client.collection('Task')
  await tasks.ready
  t.server.rows.set('a', { id: 'a', version: 1, title: 'kept' })
  t.server.restore('backup', 1)
  await reconnect(t)
  expect(tasks.rows.value).toEqual([{ id: 'a', version: 1, title: 'kept' }])
  t.server.commit([{ id: 'a', fields: { title: 'new' } }])
  await settle()
  expect(tasks.byId('a')).toMatchObject({ title: 'new' })
})

test('(G96) the same events again change nothing', async () => {
  await using t = await setUp()
  seed(t, 'a')
  const tasks = t.client.collection('Task')
  await tasks.ready
  const event = {
    type: 'entity:updated',
    channel: 'entity:Task',
    payload: { id: 'a', version: 2 },
    position: { epoch: 'e1', offset: 2 },
  }
  t.server.peer.say(event)
  await settle()
  const seen = record(tasks.rows)
  t.server.peer.say(event)
  t.server.peer.say(event)
  await settle()
  expect(seen).toEqual([])
})

test('(G98) half a transaction is never shown', async () => {
  await using t = await setUp()
  seed(t, 'a')
  const tasks = t.client.collection('Task')
  await tasks.ready
  const seen = record(tasks.rows)
  t.server.peer.say({
    type: 'entity:created',
    channel: 'entity:Task',
    payload: { id: 'x', version: 1 },
    position: { epoch: 'e1', offset: 2 },
    more: true,
  })
  await reconnect(t)
  expect([tasks.status.value, ids(tasks.rows.value)]).toEqual(['live', 'a'])
  t.server.commit([
    { id: 'm', fields: {} },
    { id: 'n', fields: {} },
  ])
  await settle()
  expect(seen.map(ids)).toEqual(['amn'])
})

test('(G100) a first load that fails is failed, never live and empty', async () => {
  await using t = await setUp()
  t.server.held.add('subscribe')
  const tasks = t.client.collection('Task')
  const statuses = record(tasks.status)
  await settle()
  const requestId = t.server.heard('subscribe')[0]?.requestId
  t.server.peer.say({
    type: 'error',
    channel: 'entity:Task',
    requestId,
    payload: { code: 'bad_query', message: 'no such field' },
  })
  await expect(tasks.ready).rejects.toMatchObject({ code: 'bad_query' })
  expect(statuses).toEqual(['failed'])
  expect(tasks.error.value).toMatchObject({ code: 'bad_query' })
})

test('(G100) without a connection it keeps loading, and loads when there is one', async () => {
  await using t = await setUp({ connect: false })
  seed(t, 'a')
  const tasks = t.client.collection('Task')
  await t.clock.advance(60_000)
  expect(tasks.status.value).toBe('loading')
  t.client.connect()
  await tasks.ready
  expect(ids(tasks.rows.value)).toBe('a')
})

test('who is forbidden to see rows before the first of them has come shows none, what they wrote themselves neither', async () => {
  await using t = await setUp()
  t.server.held.add('subscribe')
  const tasks = t.client.collection('Task')
  tasks.ready.catch(() => {})
  await settle()
  const told: unknown[] = []
  tasks.onBatch(({ kind, changes }) => told.push([kind, changes.map(({ row }) => row?.id ?? null)]))
  const position = { epoch: 'e1', offset: 9 }
  tasks.absorb({ id: 'own', row: { id: 'own', version: 1 }, version: 1, position })
  expect(ids(tasks.rows.value)).toBe('own')
  t.server.peer.say({
    type: 'error',
    channel: 'entity:Task',
    requestId: t.server.heard('subscribe').at(-1)?.requestId,
    payload: { code: 'forbidden', message: 'no' },
  })
  await settle()
  expect([tasks.status.value, tasks.rows.value]).toEqual(['failed', []])
  expect(told).toEqual([
    ['answer', ['own']],
    ['resync', [null]],
  ])
})

test('(G101) permission lost while away: rows no longer allowed go, and a refusal takes them all and says so', async () => {
  await using t = await setUp()
  seed(t, 'a', 'b')
  const tasks = t.client.collection('Task')
  await tasks.ready
  t.server.rows.delete('b')
  t.server.trim()
  t.server.restore('e2', 100)
  await reconnect(t)
  expect(ids(tasks.rows.value)).toBe('a')
  t.server.held.add('subscribe')
  await reconnect(t)
  const requestId = t.server.heard('subscribe').at(-1)?.requestId
  t.server.peer.say({
    type: 'error',
    channel: 'entity:Task',
    requestId,
    payload: { code: 'forbidden', message: 'no' },
  })
  await settle()
  expect([tasks.status.value, tasks.rows.value, tasks.error.value?.code]).toEqual(['failed', [], 'forbidden'])
  // What its user writes is not for a screen that may show nothing.
  const position = { epoch: 'e2', offset: 999 }
  tasks.absorb({ id: 'own', row: { id: 'own', version: 1 }, version: 1, position })
  expect(tasks.rows.value).toEqual([])
})

test('(G101) rows that enter and leave by a change of permission come and go on the open connection', async () => {
  await using t = await setUp()
  seed(t, 'a', 'b')
  const tasks = t.client.collection('Task')
  await tasks.ready
  const position = t.server.position()
  t.server.peer.say({
    type: 'entity:deleted',
    channel: 'entity:Task',
    reason: 'left',
    payload: { id: 'a' },
    position,
    more: true,
  })
  t.server.peer.say({
    type: 'entity:created',
    channel: 'entity:Task',
    reason: 'entered',
    payload: { id: 'b', version: 1, secret: 1 },
    position,
  })
  await settle()
  expect(tasks.rows.value).toEqual([{ id: 'b', version: 1, secret: 1 }])
})

test('(G102) a row that left the view and one that was deleted are told apart', async () => {
  await using t = await setUp()
  seed(t, 'a', 'b')
  const tasks = t.client.collection('Task', { where: { team: 'red' } })
  await tasks.ready
  const changes: unknown[] = []
  tasks.onBatch((each) => changes.push(...each.changes))
  t.server.commit([{ id: 'a', fields: { team: 'blue' } }])
  t.server.commit([{ id: 'b', fields: null }])
  await settle()
  expect(changes).toEqual([
    { id: 'a', row: null, version: null, mutationId: null },
    { id: 'b', row: null, version: 2, mutationId: null },
  ])
})

test('(H103) a row that another’s change moves out of the filter leaves, and one that it moves in appears', async () => {
  await using t = await setUp()
  seed(t, 'a', 'b')
  t.server.commit([{ id: 'x', fields: { team: 'blue' } }])
  const tasks = t.client.collection('Task', { where: { team: 'red' } })
  await tasks.ready
  expect(t.server.heard('subscribe')[0]?.payload?.query).toEqual({ where: { team: 'red' } })
  expect(ids(tasks.rows.value)).toBe('ab')
  t.server.commit([
    { id: 'a', fields: { team: 'blue' } },
    { id: 'x', fields: { team: 'red' } },
  ])
  await settle()
  expect(ids(tasks.rows.value)).toBe('bx')
})

test('(H105) a limit is a window: a row gone inside is replaced from behind, changes behind it notify nobody', async () => {
  await using t = await setUp()
  seed(t, 'a', 'b', 'c', 'd')
  const tasks = t.client.collection('Task', { orderBy: [['rank', 'asc']], limit: 2 })
  await tasks.ready
  const seen = record(tasks.rows)
  t.server.commit([{ id: 'd', fields: null }])
  await settle()
  expect(seen).toEqual([])
  t.server.commit([{ id: 'a', fields: null }])
  await settle()
  expect(seen.map(ids)).toEqual(['bc'])
  expect(ids(tasks.allRows.value)).toBe('bc')
})

test('(H108) a change of order alone is notified', async () => {
  await using t = await setUp()
  seed(t, 'a', 'b')
  const tasks = t.client.collection('Task', { orderBy: [['rank', 'asc']] })
  await tasks.ready
  const seen = record(tasks.rows)
  t.server.commit([{ id: 'a', fields: { rank: 5 } }])
  await settle()
  expect(seen.map(ids)).toEqual(['ba'])
})

test('(H110) a hundred events in one tick are one notification, without an animation frame', async () => {
  await using t = await setUp()
  const tasks = t.client.collection('Task')
  const notes = t.client.collection('Note')
  await Promise.all([tasks.ready, notes.ready])
  const both: string[] = []
  effect(() => void both.push(`${tasks.rows.value.length} ${notes.rows.value.length}`))
  const { onmessage } = t.server.peer.pair.client
  for (let offset = 1; offset <= 100; offset++) {
    const channel = offset % 2 ? 'entity:Task' : 'entity:Note'
    const data = JSON.stringify({
      type: 'entity:created',
      channel,
      payload: { id: `r${offset}`, version: 1 },
      position: { epoch: 'e1', offset },
    })
    onmessage?.({ data })
  }
  expect(both).toEqual(['0 0'])
  await Promise.resolve()
  expect(both).toEqual(['0 0', '50 50'])
})

test('(H112) a listener or an effect that throws is reported; the others and the connection go on', async () => {
  await using t = await setUp()
  const tasks = t.client.collection('Task')
  await tasks.ready
  let calls = 0
  tasks.onBatch(() => {
    throw new Error('listener')
  })
  tasks.onBatch(() => calls++)
  effect(() => {
    if (tasks.rows.value.length === 1) throw new Error('effect')
  })
  seed(t, 'a')
  await settle()
  t.server.commit([{ id: 'b', fields: {} }])
  await settle()
  expect(calls).toBe(2)
  expect(ids(tasks.rows.value)).toBe('ab')
  expect(t.errors.map((error) => (error as Error).cause)).toEqual([
    new Error('listener'),
    new Error('effect'),
    new Error('listener'),
  ])
  expect(t.client.connected.value).toBe(true)
})

test('(I116) equal queries share one subscription and their rows; who comes late has them at once', async () => {
  await using t = await setUp({ lingerMs: 100 })
  seed(t, 'b', 'a')
  const first = t.client.collection('Task', { where: { team: 'red', rank: { gte: 0 } } })
  await first.ready
  const second = t.client.collection('Task', { where: { rank: { gte: 0 }, team: 'red' } })
  expect([second.status.value, ids(second.rows.value)]).toEqual(['live', 'ab'])
  expect(t.server.heard('subscribe')).toHaveLength(1)
  first.close()
  first.close()
  await t.clock.advance(200)
  t.server.commit([{ id: 'c', fields: { team: 'red', rank: 9 } }])
  await settle()
  expect(ids(second.rows.value)).toBe('abc')
  second.close()
  await t.clock.advance(200)
  expect(t.server.heard('unsubscribe')).toHaveLength(1)
})

test('queries that differ are views of their own, each under a key that every client with that query derives', async () => {
  const keys = async (): Promise<unknown[]> => {
    await using t = await setUp()
    t.client.collection('Task')
    t.client.collection('Task', { where: { team: 'red' } })
    t.client.collection('Task', { where: { team: 'red' }, orderBy: [['rank', 'asc']] })
    await settle()
    return t.server.heard('subscribe').map(({ payload }) => payload?.subscription)
  }
  const [plain, ...rest] = await keys()
  expect(plain).toBe(undefined)
  expect(new Set(rest).size).toBe(2)
  expect(await keys()).toEqual([undefined, ...rest])
})

test('(I117) closed and opened again within the linger, a collection keeps its rows and its subscription', async () => {
  await using t = await setUp({ lingerMs: 100 })
  seed(t, 'a')
  const first = t.client.collection('Task')
  await first.ready
  first.close()
  await t.clock.advance(99)
  const again = t.client.collection('Task')
  expect([again.status.value, ids(again.rows.value)]).toEqual(['live', 'a'])
  await t.clock.advance(1_000)
  expect(t.server.peer.heard).toHaveLength(1)
})

test('a pong moves the position of a quiet collection and is told as a batch without changes', async () => {
  await using t = await setUp()
  const tasks = t.client.collection('Task', { where: { team: 'red' } })
  await tasks.ready
  const batches: unknown[] = []
  tasks.onBatch((each) => batches.push(each))
  const position = t.server.commit([{ id: 'x', fields: { team: 'blue' } }])
  await t.clock.advance(25_000)
  expect(tasks.position).toEqual(position)
  expect(batches).toEqual([{ changes: [], position, kind: 'events' }])
})

test('an echo is told with its mutation id also when its row is already known', async () => {
  await using t = await setUp()
  seed(t, 'a')
  const tasks = t.client.collection('Task')
  await tasks.ready
  const told: unknown[] = []
  tasks.onBatch(({ kind, changes }) => told.push(kind, ...changes.map(({ mutationId }) => mutationId)))
  const position = { epoch: 'e1', offset: 2 }
  tasks.absorb({ id: 'a', row: { id: 'a', version: 2, title: 'x' }, version: 2, position })
  t.server.commit([{ id: 'a', fields: { title: 'x' } }], 'm1')
  await settle()
  expect(told).toEqual(['answer', null, 'events', 'm1'])
})

test('an answer is applied at once, unless the stream is past it or its version is known', async () => {
  await using t = await setUp()
  seed(t, 'a', 'b')
  const tasks = t.client.collection('Task', { where: { team: 'red' } })
  await tasks.ready
  const row = (id: string, version: number, team = 'red') => ({ id, version, team })
  const at = (offset: number) => ({ epoch: 'e1', offset })
  tasks.absorb({ id: 'a', row: row('a', 9), version: 9, position: at(2) })
  expect(tasks.byId('a')).toMatchObject({ version: 1 })
  tasks.absorb({ id: 'a', row: row('a', 2), version: 2, position: at(4) })
  expect(tasks.byId('a')).toMatchObject({ version: 2 })
  tasks.absorb({ id: 'a', row: row('a', 1), version: 1, position: null })
  expect(tasks.byId('a')).toMatchObject({ version: 2 })
  tasks.absorb({ id: 'b', row: row('b', 2, 'blue'), version: 2, position: at(5) })
  expect(ids(tasks.rows.value)).toBe('a')
  t.server.peer.say({
    type: 'entity:updated',
    channel: 'entity:Task',
    subscription: t.server.heard('subscribe')[0]?.payload?.subscription,
    payload: row('b', 1),
    position: at(3),
  })
  await settle()
  expect(ids(tasks.rows.value)).toBe('a')
})

test('what a batch listener writes comes in the same notification as the rows', async () => {
  await using t = await setUp()
  const { signal } = await import('@preact/signals-core')
  const tasks = t.client.collection('Task')
  await tasks.ready
  const overlay = signal('pending')
  tasks.onBatch(() => (overlay.value = 'settled'))
  const seen: string[] = []
  effect(() => void seen.push(`${tasks.rows.value.length} ${overlay.value}`))
  seed(t, 'a')
  await settle()
  expect(seen).toEqual(['0 pending', '1 settled'])
})

test('rows are decoded by the entities that are given, and ordered as they travel', async () => {
  const Task = defineEntity('Task', z.object({ id: z.string(), due: z.date(), size: z.bigint() }))
  const clock = createManualClock()
  const server = createFakeServer(clock)
  server.commit([
    { id: 'b', fields: { due: '2026-01-01T00:00:00.000Z', size: '9007199254740993' } },
    { id: 'a', fields: { due: '2026-01-01T00:00:00.000Z', size: '1' } },
    { id: 'c', fields: { due: '2025-01-01T00:00:00.000Z', size: '2' } },
  ])
  const client = createRealtimeClient({
    url: 'ws://test',
    clock,
    createSocket: server.createSocket,
    rows: decodeRows({ Task }),
  })
  const tasks = client.collection('Task', { where: { due: { gt: '2024-01-01' } }, orderBy: [['due', 'asc']] })
  await tasks.ready
  expect(ids(tasks.rows.value)).toBe('cab')
  expect(tasks.byId('b')).toEqual({
    id: 'b',
    version: 1,
    due: new Date('2026-01-01T00:00:00Z'),
    size: 9_007_199_254_740_993n,
  })
  const [first] = tasks.rows.value
  expect(first && tasks.matches(first)).toBe(true)
  client.close()
})

test.for([0, -1, 1.5])('a limit of %d is refused', async (limit) => {
  await using t = await setUp()
  expect(() => t.client.collection('Task', { limit })).toThrow('limit')
})

test('(G96) who listens to batches again inside a listener gets each batch once; who is gone gets none', async () => {
  await using t = await setUp()
  const tasks = t.client.collection('Task')
  await tasks.ready
  const heard: string[] = []
  const again = (): void => {
    const stop = tasks.onBatch(({ changes }) => {
      heard.push(changes.map(({ id }) => id).join())
      stop()
      stopOther()
      if (heard.length < 10) again()
    })
  }
  again()
  const stopOther = tasks.onBatch(() => heard.push('other'))
  t.server.commit([{ id: 'a', fields: {} }])
  await settle()
  t.server.commit([{ id: 'b', fields: {} }])
  await settle()
  expect(heard).toEqual(['a', 'b'])
})

test('a row known by an answer alone is let go when the stream passes it without a word', async () => {
  await using t = await setUp()
  seed(t, 'a')
  const tasks = t.client.collection('Task')
  await tasks.ready
  const at = (offset: number) => ({ epoch: 'e1', offset })
  // It was created and handed on while the stream was away: a resume does not speak of it.
  tasks.absorb({ id: 'b', row: { id: 'b', version: 1 }, version: 1, position: at(2) })
  expect(ids(tasks.rows.value)).toBe('ab')
  t.server.peer.say({
    type: 'entity:updated',
    channel: 'entity:Task',
    subscription: t.server.heard('subscribe')[0]?.payload?.subscription,
    payload: { id: 'a', version: 2 },
    position: at(4),
  })
  await settle()
  expect(ids(tasks.rows.value)).toBe('a')
})

test('a row known by an answer and by a snapshot stays when the stream passes the answer', async () => {
  await using t = await setUp()
  seed(t, 'a')
  const tasks = t.client.collection('Task')
  await tasks.ready
  const at = (offset: number) => ({ epoch: 'e1', offset })
  // The rows of a snapshot may be younger than its position, and an answer stands for its whole transaction.
  const b = { id: 'b', version: 1 }
  tasks.absorb({ id: 'b', row: b, version: 1, position: at(3) })
  t.server.held.add('subscribe')
  await reconnect(t)
  const subscribe = t.server.heard('subscribe').at(-1)
  const say = (message: object): void => t.server.peer.say({ channel: 'entity:Task', ...message })
  const snapshot = { rows: [{ id: 'a', version: 1 }, b], more: false }
  say({
    type: 'subscribed',
    requestId: subscribe?.requestId,
    payload: { position: at(1), recovered: false, snapshot },
  })
  say({
    type: 'entity:updated',
    subscription: subscribe?.payload?.subscription,
    payload: { id: 'a', version: 2 },
    position: at(4),
  })
  await settle()
  expect(tasks.byId('a')).toMatchObject({ version: 2 })
  expect(ids(tasks.rows.value)).toBe('ab')
})

/** A client for which rows of the rank `bad` cannot be decoded. */
function setUpPicky(): Promise<Setup> {
  const Task = {
    decode(row: WireRow) {
      if (row['rank'] === 'bad') throw new Error('not a rank')
      return row
    },
    encode: (row: unknown) => row as WireRow,
  }
  const options: Parameters<typeof setUp>[0] & { rows: object } = { rows: { Task } }
  return setUp(options)
}

test('a row that cannot be decoded is reported, and stops neither what follows it nor other collections', async () => {
  await using t = await setUpPicky()
  seed(t, 'a')
  const views = [t.client.collection('Task'), t.client.collection('Note')] as const
  await Promise.all(views.map(({ ready }) => ready))
  t.server.commit([{ id: 'b', fields: { rank: 'bad' } }])
  await settle()
  expect(views.map((each) => ids(each.rows.value))).toEqual(['a', 'ab'])
  expect(t.errors).toHaveLength(1)
  t.server.commit([{ id: 'c', fields: { rank: 3 } }])
  await settle()
  expect(views.map((each) => ids(each.rows.value))).toEqual(['ac', 'abc'])
  expect(views[0].position).toEqual(t.server.position())
})

test('a snapshot is shown without the row that cannot be decoded, which is named in the report', async () => {
  await using t = await setUpPicky()
  seed(t, 'a', 'c')
  t.server.commit([{ id: 'b', fields: { rank: 'bad' } }])
  const tasks = t.client.collection('Task')
  await tasks.ready
  expect([tasks.status.value, ids(tasks.rows.value)]).toEqual(['live', 'ac'])
  expect(t.errors).toMatchObject([{ code: 'internal', message: expect.stringContaining('Task b') }])
  t.server.commit([{ id: 'b', fields: { rank: 3 } }])
  await settle()
  expect(ids(tasks.rows.value)).toBe('abc')
})

test('a row whose new state cannot be decoded is not shown in its old one, and the rest of its transaction is', async () => {
  await using t = await setUpPicky()
  seed(t, 'a', 'b', 'c')
  const tasks = t.client.collection('Task')
  await tasks.ready
  const told: unknown[] = []
  tasks.onBatch(({ changes }) => told.push(...changes))
  t.server.commit(
    [
      { id: 'a', fields: { rank: 7 } },
      { id: 'b', fields: { rank: 'bad' } },
      { id: 'c', fields: null },
    ],
    'm',
  )
  await settle()
  expect(tasks.rows.value).toMatchObject([{ id: 'a', rank: 7 }])
  expect(told).toMatchObject([
    { id: 'a', version: 2, mutationId: 'm' },
    { id: 'b', row: null, version: 2, mutationId: 'm' },
    { id: 'c', row: null, version: 2, mutationId: 'm' },
  ])
  expect([tasks.position, t.errors.length]).toEqual([t.server.position(), 1])
})

test('a write whose answer cannot be decoded is stored all the same: it is answered without its row', async () => {
  await using t = await setUpPicky()
  const answer = t.client.mutate({ entity: 'Task', operation: 'create', id: 'a', mutationId: 'm' })
  await settle()
  const { requestId } = t.server.heard('mutate')[0] ?? {}
  const position = { epoch: 'e1', offset: 1 }
  const payload = { mutationId: 'm', row: { id: 'a', version: 1, rank: 'bad' } }
  t.server.peer.say({ type: 'mutated', requestId, position, payload })
  expect(await answer).toEqual({ position, row: null, visible: false })
  expect(t.errors).toHaveLength(1)
})

test('the row of a conflict that cannot be decoded is null, and reported', async () => {
  await using t = await setUpPicky()
  const update = {
    entity: 'Task',
    operation: 'update',
    id: 'a',
    mutationId: 'm',
    fields: { rank: 1 },
  } as const
  const refused = t.client.mutate({ ...update, ifVersion: 1 }).catch((error: unknown) => error)
  await settle()
  const { requestId } = t.server.heard('mutate')[0] ?? {}
  const details = { current: { id: 'a', version: 2, rank: 'bad' }, expectedVersion: 1, currentVersion: 2 }
  const payload = { code: 'version_conflict', message: 'moved on', details }
  t.server.peer.say({ type: 'error', requestId, payload })
  expect(await refused).toMatchObject({ code: 'version_conflict', current: null })
  expect(t.errors).toHaveLength(1)
})
