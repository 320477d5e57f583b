// Answers to writes, and the histories that they belong to. The server goes on in another epoch (restart), or is one that has
// lost what it answered: then the position still holds, for the stream had not come so far.
import type { WireRow } from '@dnr/protocol'
import { expect, test } from 'vitest'
import type { Collection } from '../../src/index.ts'
import { reconnect, settle, setUp, type Setup } from '../setup.ts'

type Row = { readonly id: string; readonly version: number }

/** A collection of rows `a` and `b`, live at offset 2 of `e1`. */
async function open(t: Setup): Promise<Collection<Row>> {
  t.server.commit(['a', 'b'].map((id) => ({ id, fields: { title: id } })))
  const tasks = t.client.collection('Task') as unknown as Collection<Row>
  await tasks.ready
  return tasks
}

const row = (id: string, version: number): Row & WireRow => ({ id, version, title: `${id}${version}` })
const shown = (tasks: Collection<Row>): string =>
  tasks.rows.value.map(({ id, version }) => `${id}${version}`).join(' ')
const asked = (t: Setup): unknown[] => t.server.heard('subscribe').map(({ payload }) => payload?.position)

/** Answers a held question with the rows as they are at `position`. */
function tellRows(t: Setup, position: { epoch: string; offset: number }): void {
  const { requestId } = t.server.heard('subscribe').at(-1) ?? {}
  const snapshot = { rows: [row('a', 1), row('b', 1)], more: false }
  const payload = { position, recovered: false, snapshot }
  t.server.peer.say({ type: 'subscribed', channel: 'entity:Task', requestId, payload })
}

test.each([
  ['a row that was created', { id: 'c', row: row('c', 1), version: 1 }],
  ['a row that was changed', { id: 'a', row: row('a', 2), version: 2 }],
  ['a row that was deleted', { id: 'a', row: null, version: 2 }],
])(
  'what only an answer told is read anew after a cut, since its history may be lost: %s',
  async (_, answer) => {
    await using t = await setUp()
    const tasks = await open(t)
    const before = tasks.byId('b')
    tasks.absorb({ ...answer, position: { epoch: 'lost', offset: 9 } })
    expect(shown(tasks)).not.toBe('a1 b1')
    t.server.restart('e2')
    await reconnect(t)
    expect([shown(tasks), asked(t)]).toEqual(['a1 b1', [undefined, undefined]])
    expect(tasks.byId('b')).toBe(before)
  },
)

test('so it is when the first tries to come back end before the rows are whole', async () => {
  await using t = await setUp({ chunkRows: 1 })
  const tasks = await open(t)
  tasks.absorb({ id: 'c', row: row('c', 1), version: 1, position: { epoch: 'lost', offset: 9 } })
  t.server.held.add('subscribe')
  await reconnect(t)
  await reconnect(t)
  t.server.held.clear()
  await reconnect(t)
  expect([shown(tasks), asked(t)]).toEqual(['a1 b1', [undefined, undefined, undefined, undefined]])
})

test('who has heard all that was answered resumes', async () => {
  await using t = await setUp()
  const tasks = await open(t)
  tasks.absorb({ id: 'a', row: row('a', 2), version: 2, position: { epoch: 'e1', offset: 3 } })
  t.server.commit([{ id: 'a', fields: { title: 'a2' } }])
  await settle()
  await reconnect(t)
  expect([shown(tasks), asked(t)]).toEqual(['a2 b1', [undefined, { epoch: 'e1', offset: 3 }]])
})

test('a restart between write and answer takes nothing back: the rows that are asked for afterwards hold it', async () => {
  await using t = await setUp()
  const tasks = await open(t)
  const seen: string[] = []
  tasks.rows.subscribe(() => seen.push(shown(tasks)))
  t.server.peer.pair.cut()
  await settle()
  t.server.restart('e2')
  const position = t.server.commit([{ id: 'a', fields: { title: 'a2' } }])
  tasks.absorb({ id: 'a', row: row('a', 2), version: 2, position })
  t.client.retryNow()
  await settle()
  expect(tasks.status.value).toBe('live')
  expect(seen).toEqual(['a1 b1', 'a2 b1'])
})

test('an answer that comes between the question and older rows stands over them until the stream has reached it', async () => {
  await using t = await setUp()
  const tasks = await open(t)
  t.server.trim()
  t.server.held.add('subscribe')
  await reconnect(t)
  const seen: string[] = []
  tasks.rows.subscribe(() => seen.push(shown(tasks)))
  tasks.absorb({ id: 'a', row: row('a', 2), version: 2, position: { epoch: 'e2', offset: 3 } })
  tasks.absorb({ id: 'b', row: null, version: 2, position: { epoch: 'e2', offset: 4 } })
  tellRows(t, { epoch: 'e2', offset: 2 })
  await settle()
  const say = (message: object): void => t.server.peer.say({ channel: 'entity:Task', ...message })
  say({ type: 'entity:updated', payload: row('a', 2), position: { epoch: 'e2', offset: 3 } })
  say({ type: 'entity:deleted', payload: { id: 'b', version: 2 }, position: { epoch: 'e2', offset: 4 } })
  await settle()
  expect(seen.every((each) => !each.includes('a1') || each === seen[0])).toBe(true)
  expect(shown(tasks)).toBe('a2')
})

test('a view in which an answer shows nothing resumes, and notifies nobody of it', async () => {
  await using t = await setUp()
  const tasks = await open(t)
  const lists: unknown[] = []
  tasks.rows.subscribe((rows) => lists.push(rows))
  tasks.absorb({ id: 'x', row: null, version: 1, position: { epoch: 'e1', offset: 3 } })
  await reconnect(t)
  expect([lists.length, asked(t)]).toEqual([1, [undefined, { epoch: 'e1', offset: 2 }]])
})

test('an answer of a lost history that comes late goes with the rows that the next pong makes it ask for', async () => {
  await using t = await setUp()
  const tasks = await open(t)
  t.server.restart('e2')
  await reconnect(t)
  tasks.absorb({ id: 'c', row: row('c', 1), version: 1, position: { epoch: 'lost', offset: 9 } })
  tasks.absorb({ id: 'a', row: null, version: 2, position: { epoch: 'e1', offset: 10 } })
  expect(shown(tasks)).toBe('b1 c1')
  await t.clock.advance(25_000)
  expect(shown(tasks)).toBe('a1 b1')
  expect(asked(t)).toEqual([undefined, { epoch: 'e1', offset: 2 }, undefined])
  await t.clock.advance(100_000)
  expect(asked(t)).toHaveLength(3)
})

test('what another user was answered before the first rows is no position: repeated writes of before it are shown', async () => {
  await using t = await setUp()
  t.server.held.add('subscribe').add('connected')
  const tasks = t.client.collection('Task') as unknown as Collection<Row>
  await settle()
  tasks.absorb({ id: 'theirs', row: row('theirs', 1), version: 1, position: { epoch: 'e1', offset: 9 } })
  await reconnect(t)
  const payload = { connectionId: 'c9', userId: 'bob', protocolVersion: 1, limits: {} }
  t.server.peer.say({ type: 'connected', payload })
  await settle()
  expect([t.client.userId.value, shown(tasks), tasks.position]).toEqual(['bob', '', null])
  // A guest's write goes on when they sign in: its answer is the one of then.
  tasks.absorb({ id: 'own', row: row('own', 1), version: 1, position: { epoch: 'e1', offset: 5 } })
  expect(shown(tasks)).toBe('own1')
})

test('a stream that is only behind is not asked anew', async () => {
  await using t = await setUp()
  const tasks = await open(t)
  tasks.absorb({ id: 'a', row: row('a', 2), version: 2, position: { epoch: 'e1', offset: 3 } })
  await t.clock.advance(100_000)
  expect([shown(tasks), asked(t)]).toEqual(['a2 b1', [undefined]])
})

test('a row known by an answer alone goes when the stream tells of its deletion', async () => {
  await using t = await setUp()
  const tasks = await open(t)
  tasks.absorb({ id: 'c', row: row('c', 1), version: 1, position: { epoch: 'e1', offset: 3 } })
  // Created and deleted within one window of a busy channel.
  t.server.peer.say({
    type: 'entity:deleted',
    channel: 'entity:Task',
    payload: { id: 'c', version: 2 },
    position: { epoch: 'e1', offset: 4 },
  })
  await settle()
  expect(shown(tasks)).toBe('a1 b1')
})

test('a row that its author could not see enters by the rights of today, though the answer hid it', async () => {
  await using t = await setUp()
  const tasks = await open(t)
  tasks.absorb({ id: 'a', row: null, version: 2, position: { epoch: 'e1', offset: 3 } })
  expect(shown(tasks)).toBe('b1')
  t.server.peer.say({
    type: 'entity:updated',
    channel: 'entity:Task',
    payload: row('a', 2),
    position: { epoch: 'e1', offset: 3 },
  })
  await settle()
  expect(shown(tasks)).toBe('a2 b1')
})

test('a deleted row does not come back with what others wrote before, and the stream has not told yet', async () => {
  await using t = await setUp()
  const tasks = await open(t)
  const seen: string[] = []
  tasks.rows.subscribe(() => seen.push(shown(tasks)))
  const told: unknown[] = []
  tasks.onBatch(({ kind, changes }) => kind === 'answer' && told.push(...changes))
  tasks.absorb({ id: 'a', row: null, version: Infinity, position: { epoch: 'e1', offset: 5 } })
  for (const title of ['a2', 'a3', null]) {
    t.server.commit([{ id: 'a', fields: title === null ? null : { title } }])
    await settle()
  }
  expect(seen).toEqual(['a1 b1', 'b1'])
  expect(told).toEqual([{ id: 'a', row: null, version: null, mutationId: null }])
  t.server.commit([{ id: 'a', fields: { title: 'its next life' } }])
  await settle()
  expect(shown(tasks)).toBe('a5 b1')
})

test.each([2, 5, 9])(
  'what leaves sight goes at once, though an answer from before stands at offset 9; told at offset %d',
  async (offset) => {
    await using t = await setUp()
    const tasks = await open(t)
    tasks.absorb({ id: 'a', row: row('a', 2), version: 2, position: { epoch: 'e1', offset: 9 } })
    const payload = { id: 'a' }
    const position = { epoch: 'e1', offset }
    t.server.peer.say({ type: 'entity:deleted', channel: 'entity:Task', reason: 'left', payload, position })
    await settle()
    expect(shown(tasks)).toBe('b1')
    t.server.peer.say({ type: 'pong', position: { epoch: 'e1', offset: 9 } })
    await settle()
    expect(shown(tasks)).toBe('b1')
  },
)

test.each([
  ['a pong that is just as far', { type: 'pong', position: { epoch: 'e1', offset: 3 } }],
  ['a pong that is further', { type: 'pong', position: { epoch: 'e1', offset: 9 } }],
  [
    'an event of another row',
    {
      type: 'entity:updated',
      channel: 'entity:Task',
      payload: row('a', 2),
      position: { epoch: 'e1', offset: 4 },
    },
  ],
])(
  'a row known by an answer alone, which its author may not see by now, goes with the first word past it: %s',
  async (_, message) => {
    await using t = await setUp()
    const tasks = await open(t)
    tasks.absorb({ id: 'c', row: row('c', 1), version: 1, position: { epoch: 'e1', offset: 3 } })
    const told: unknown[] = []
    tasks.onBatch(({ changes }) => told.push(...changes.filter(({ id }) => id === 'c')))
    t.server.peer.say({ type: 'pong', position: { epoch: 'e1', offset: 2 } })
    await settle()
    expect(shown(tasks)).toBe('a1 b1 c1')
    t.server.peer.say(message)
    await settle()
    expect(tasks.byId('c')).toBe(undefined)
    expect(told).toEqual([{ id: 'c', row: null, version: null, mutationId: null }])
  },
)

test('a row that the stream told of stays when a pong is as far as its answer', async () => {
  await using t = await setUp()
  const tasks = await open(t)
  tasks.absorb({ id: 'a', row: row('a', 2), version: 2, position: { epoch: 'e1', offset: 3 } })
  t.server.commit([{ id: 'a', fields: { title: 'a2' } }])
  t.server.peer.say({ type: 'pong', position: { epoch: 'e1', offset: 3 } })
  await settle()
  expect(shown(tasks)).toBe('a2 b1')
})
