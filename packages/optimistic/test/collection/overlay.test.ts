import { drainMicrotasks } from '@dnr/testing'
import { DnrError } from '@dnr/protocol'
import { effect } from '@preact/signals-core'
import { expect, test } from 'vitest'
import { createSetup, createTestRows, task, watch } from '../fake-server.ts'

const forbidden = new DnrError('forbidden', 'no')

test('a created row shows at once, with its draft, and one request follows', async () => {
  const { tasks, server } = createSetup([], { draft: () => ({ status: 'todo', rank: 9 }) })
  const created = tasks.create({ title: 'x' })
  expect(tasks.rows.value).toEqual([{ id: created.id, version: 0, title: 'x', status: 'todo', rank: 9 }])
  expect(created.state.value).toBe('pending')
  await drainMicrotasks()
  expect(server.sent.map(({ request }) => request)).toEqual([
    {
      entity: 'Task',
      operation: 'create',
      id: created.id,
      mutationId: created.mutationId,
      fields: { title: 'x' },
    },
  ])
})

test('creating an id that is visible throws, nothing is shown or sent (A14)', async () => {
  const { tasks, server } = createSetup([task('a')])
  expect(() => tasks.create({ id: 'a' })).toThrow(expect.objectContaining({ code: 'row_exists' }))
  tasks.create({ id: 'b' })
  expect(() => tasks.create({ id: 'b' })).toThrow(expect.objectContaining({ code: 'row_exists' }))
  await drainMicrotasks()
  expect(server.sent).toHaveLength(1)
})

test('an id that is none, and a patch that changes it or nothing, throw (A15)', () => {
  const { tasks } = createSetup([task('a')])
  const badField = expect.objectContaining({ code: 'bad_field' })
  for (const id of [null, 7, {}, '']) expect(() => tasks.create({ id: id as string })).toThrow(badField)
  expect(() => tasks.update('a', { id: 'b', title: 'x' } as object)).toThrow(badField)
  expect(() => tasks.update('a', {})).toThrow(badField)
  expect(tasks.rows.value).toEqual([task('a')])
})

test('a patch of a row that is not loaded shows nothing, is sent, and its answer is shown (B30)', async () => {
  const { tasks, server } = createSetup()
  server.write('far', task('far', { count: 4 }))
  const updated = tasks.update('far', { title: 'x' })
  expect(tasks.rows.value).toEqual([])
  await drainMicrotasks()
  await server.last().answer(server.store(server.last().request))
  expect(updated.state.value).toBe('acked')
  expect(tasks.rows.value).toEqual([task('far', { title: 'x', count: 4, version: 2 })])
})

test('a function has nothing to compute from when the row is not loaded; a deleted row takes no more writes', () => {
  const { tasks } = createSetup([task('a')])
  const rowAbsent = expect.objectContaining({ code: 'row_absent' })
  expect(() => tasks.update('far', () => ({ title: 'x' }))).toThrow(rowAbsent)
  tasks.delete('a')
  expect(() => tasks.update('a', { title: 'x' })).toThrow(rowAbsent)
  expect(() => tasks.delete('a')).toThrow(rowAbsent)
})

test('three pending patches of one row, the second is refused: the others stay (B16)', async () => {
  const { tasks, server } = createSetup([task('a')])
  tasks.update('a', { title: 'x' })
  tasks.update('a', { count: 5 })
  tasks.update('a', { status: 'done' })
  await drainMicrotasks()
  await server.last().answer(server.store(server.last().request))
  await server.last().reject(forbidden)
  expect(tasks.byId('a')).toMatchObject({ title: 'x', count: 0, status: 'done' })
})

test('a remote change of another field shows beside the pending one (B17)', () => {
  const { tasks, server, confirmed } = createSetup([task('a')])
  tasks.update('a', { title: 'mine' })
  confirmed.apply([server.remote('a', { rank: 7 })])
  expect(tasks.byId('a')).toMatchObject({ title: 'mine', rank: 7 })
})

test('a remote change of the same field stays below the pending one (B18)', async () => {
  const { tasks, server, confirmed } = createSetup([task('a')])
  tasks.update('a', { title: 'mine' })
  await drainMicrotasks()
  confirmed.apply([server.remote('a', { title: 'theirs' })])
  expect(tasks.byId('a')).toMatchObject({ title: 'mine' })
  await server.last().reject(forbidden)
  expect(tasks.byId('a')).toMatchObject({ title: 'theirs' })
})

test('of five functions that add one, one is refused: four count, also on the server (B20)', async () => {
  const { tasks, server } = createSetup([task('a', { count: 10 })])
  for (let i = 0; i < 5; i++) tasks.update('a', (row) => ({ count: row.count + 1 }))
  expect(tasks.byId('a')?.count).toBe(15)
  for (let i = 0; i < 5; i++) {
    await drainMicrotasks()
    const sent = server.last()
    if (i === 2) await sent.reject(forbidden)
    else await sent.answer(server.store(sent.request))
  }
  expect(tasks.byId('a')?.count).toBe(14)
  expect(server.rows.get('a')?.count).toBe(14)
})

test('a function that throws while it is replayed changes nothing, the others count, and it is reported (B21)', async () => {
  const { tasks, confirmed, server, errors } = createSetup([task('a', { title: 'abc' })])
  const cause = new Error('too short')
  tasks.update('a', { rank: 1 })
  tasks.update('a', (row) => {
    if (row.title.length < 3) throw cause
    return { count: row.title.length }
  })
  expect(tasks.byId('a')).toMatchObject({ rank: 1, count: 3 })
  confirmed.apply([server.remote('a', { title: 'a' })])
  expect(tasks.byId('a')).toMatchObject({ rank: 1, count: 0, title: 'a' })
  await drainMicrotasks()
  expect(errors.map((error) => error.cause)).toContain(cause)
})

test('two updates of a row in one batch are one request and one notification (B22)', async () => {
  const { tasks, server, optimistic } = createSetup([task('a')])
  const seen = watch(tasks.rows, (row) => [row.title, row.count])
  const [first, second] = optimistic.batch(() => [
    tasks.update('a', { title: 'x' }),
    tasks.update('a', (row) => ({ count: row.count + 1 })),
  ])
  expect(second).toBe(first)
  expect(seen).toEqual([[['a', 0]], [['x', 1]]])
  await drainMicrotasks()
  expect(server.sent.map(({ request }) => request.fields)).toEqual([{ title: 'x', count: 1 }])
})

test('what is added to a creation in its batch is created with it', async () => {
  const { tasks, server, optimistic } = createSetup()
  optimistic.batch(() => {
    tasks.create({ id: 'a', title: 'x' })
    tasks.update('a', { rank: 3 })
  })
  await drainMicrotasks()
  expect(server.sent.map(({ request }) => [request.operation, request.fields])).toEqual([
    ['create', { title: 'x', rank: 3 }],
  ])
})

test('a batch in a batch, and one that throws, leave batching as it was', async () => {
  const { tasks, server, optimistic } = createSetup([task('a')])
  expect(() =>
    optimistic.batch(() =>
      optimistic.batch(() => {
        tasks.update('a', { count: 1 })
        throw new Error('mine')
      }),
    ),
  ).toThrow('mine')
  tasks.update('a', { count: 2 })
  await drainMicrotasks()
  await server.last().answer(server.store(server.last().request))
  expect(server.sent.map(({ request }) => request.fields)).toEqual([{ count: 1 }, { count: 2 }])
})

test('a deletion and a creation of the same id are a replacement (B23)', () => {
  const { tasks, optimistic } = createSetup([task('a', { count: 5 })])
  optimistic.batch(() => {
    tasks.delete('a')
    tasks.create({ id: 'a', title: 'new' })
  })
  expect(tasks.byId('a')).toEqual({ id: 'a', version: 0, title: 'new' })
})

test('a write on one row does not hold back events of others (B28)', () => {
  const { tasks, server, confirmed } = createSetup([task('a'), task('b')])
  tasks.update('a', { title: 'slow' })
  confirmed.apply([server.remote('b', { title: 'fresh' })])
  expect(tasks.rows.value.map((row) => row.title)).toEqual(['slow', 'fresh'])
})

test('optimistic: false shows nothing before the answer, but that something is pending (B29)', async () => {
  const { tasks, server, optimistic } = createSetup([task('a')])
  tasks.update('a', { title: 'x' }, { optimistic: false })
  expect(tasks.byId('a')?.title).toBe('a')
  expect([tasks.pendingOf('a').state, optimistic.pendingCount.value]).toEqual(['pending', 1])
  await drainMicrotasks()
  await server.last().answer(server.store(server.last().request))
  expect(tasks.byId('a')?.title).toBe('x')
})

test('an optimistic move out of the filter leaves the view; refused, it is back in its place', async () => {
  const rows = [task('a', { rank: 1 }), task('b', { rank: 2 }), task('c', { rank: 3 })]
  const { optimistic, server } = createSetup(rows)
  const todo = optimistic.collection(createTestRows(rows, (row) => row.status === 'todo'))
  const done = optimistic.collection(createTestRows(rows, (row) => row.status === 'done'))
  todo.update('b', { status: 'done' })
  expect([todo.rows.value.map((row) => row.id), done.rows.value.map((row) => row.id)]).toEqual([
    ['a', 'c'],
    ['b'],
  ])
  expect(todo.byId('b')).toBeUndefined()
  await drainMicrotasks()
  await server.last().reject(forbidden)
  expect([todo.rows.value.map((row) => row.id), done.rows.value.map((row) => row.id)]).toEqual([
    ['a', 'b', 'c'],
    [],
  ])
})

test('rows keep their order, and those that did not change their identity', () => {
  const { tasks } = createSetup([task('a', { rank: 1 }), task('b', { rank: 2 }), task('c', { rank: 3 })])
  const before = tasks.rows.value
  tasks.update('a', { rank: 2.5 })
  expect(tasks.rows.value.map((row) => row.id)).toEqual(['b', 'a', 'c'])
  expect([tasks.rows.value[0], tasks.rows.value[2]]).toEqual([before[1], before[2]])
  expect(tasks.rows.value[0]).toBe(before[1])
  const after = tasks.byId('a')
  tasks.create({ id: 'd', rank: 9 })
  expect(tasks.byId('a')).toBe(after)
})

test('without pending mutations the rows are the confirmed ones themselves', () => {
  const { tasks, confirmed } = createSetup([task('a')])
  expect(tasks.rows.value).toBe(confirmed.rows.value)
})

test('a limited view fills up from behind when a row is hidden, and drops what an added row pushes out', () => {
  const rows = [1, 2, 3, 4].map((rank) => task(`t${rank}`, { rank }))
  const { optimistic } = createSetup()
  const top = optimistic.collection(createTestRows(rows, () => true, 2))
  top.delete('t1')
  expect(top.rows.value.map((row) => row.id)).toEqual(['t2', 't3'])
  top.create({ id: 't0', rank: 0 })
  expect(top.rows.value.map((row) => row.id)).toEqual(['t0', 't2'])
})

test('writing inside an effect does not make it run again', () => {
  const { tasks } = createSetup([task('a')])
  let runs = 0
  effect(() => {
    runs++
    tasks.update('a', { count: runs })
    tasks.create({ rank: runs })
  })
  expect(runs).toBe(1)
})

test('a mark follows its row', async () => {
  const { tasks, server } = createSetup([task('a')])
  const seen: unknown[] = []
  effect(() => void seen.push(tasks.pendingOf('a').state))
  tasks.update('a', { count: 1 })
  await drainMicrotasks()
  await server.last().reject(forbidden)
  tasks.failed.value[0]?.discard()
  expect([...new Set(seen)]).toEqual(['synced', 'pending', 'failed'])
  expect(seen.at(-1)).toBe('synced')
})

test('a closed collection shows the confirmed rows at once, and its write goes on (D56)', async () => {
  const { tasks, server } = createSetup([task('a')])
  const seen = watch(tasks.rows, (row) => row.title)
  const updated = tasks.update('a', { title: 'x' })
  tasks.close()
  expect(seen).toEqual([['a'], ['x'], ['a']])
  await drainMicrotasks()
  await server.last().answer(server.store(server.last().request))
  await updated.synced
})
