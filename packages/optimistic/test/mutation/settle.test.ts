import { drainMicrotasks } from '@dnr/testing'
import { DnrError } from '@dnr/protocol'
import { effect } from '@preact/signals-core'
import { expect, test } from 'vitest'
import { createSetup, createTestRows, task, watch } from '../fake-server.ts'

const title = (row: { title: string }): string => row.title

test('the echo before the answer: one row, one change, the answer changes nothing (A1)', async () => {
  const { tasks, server, confirmed } = createSetup()
  const seen = watch(tasks.rows, (row) => [row.id, row.title])
  const created = tasks.create({ id: 'a', title: 'x', count: 0, rank: 0, status: 'todo' })
  await drainMicrotasks()
  const answer = server.store(server.last().request)
  confirmed.apply(server.log)
  expect(created.state.value).toBe('synced')
  await server.last().answer(answer)
  expect(await created.acked).toEqual(task('a', { title: 'x' }))
  expect(seen.every((rows) => rows.length <= 1)).toBe(true)
  expect(tasks.rows.value).toEqual(confirmed.rows.value)
})

test('the answer before the echo: acked, then synced, with one change of the rows (C33)', async () => {
  const { tasks, server, confirmed } = createSetup([task('a')])
  const seen = watch(tasks.rows, title)
  const states: string[] = []
  const updated = tasks.update('a', { title: 'x' })
  effect(() => void states.push(updated.state.value))
  await drainMicrotasks()
  await server.last().answer(server.store(server.last().request))
  const notified = seen.length
  confirmed.apply(server.log)
  await updated.synced
  expect(states).toEqual(['pending', 'acked', 'synced'])
  expect(seen.slice(notified)).toEqual([])
  expect([...new Set(seen.flat())]).toEqual(['a', 'x'])
})

test('an answer older than what the stream brought is ignored for the rows, and the promise resolves (B25)', async () => {
  const { tasks, server, confirmed } = createSetup([task('a')])
  const updated = tasks.update('a', { title: 'mine' })
  await drainMicrotasks()
  const answer = server.store(server.last().request)
  // A conflated event: their later state without the echo of mine.
  confirmed.apply([server.remote('a', { title: 'theirs' })])
  await server.last().answer(answer)
  expect(await updated.acked).toMatchObject({ title: 'mine', version: 2 })
  expect(tasks.byId('a')).toMatchObject({ title: 'theirs', version: 3 })
  expect(updated.state.value).toBe('synced')
})

test('versions 9 and 10 are compared as numbers (B26)', async () => {
  const { tasks, server, confirmed } = createSetup([task('a', { version: 8 })])
  server.rows.set('a', task('a', { version: 8 }))
  const updated = tasks.update('a', { title: 'nine' })
  await drainMicrotasks()
  const answer = server.store(server.last().request)
  confirmed.apply([server.remote('a', { title: 'ten' })], 0)
  await server.last().answer(answer)
  expect(updated.state.value).toBe('acked')
  expect(tasks.byId('a')).toMatchObject({ title: 'ten', version: 10 })
})

test('after the answer a stale event does not bring the row back (B27, C32)', async () => {
  const { tasks, server, confirmed } = createSetup([task('a')])
  const seen = watch(tasks.rows, title)
  const stale = server.remote('a', { title: 'before' })
  tasks.update('a', { title: 'mine' })
  await drainMicrotasks()
  await server.last().answer(server.store(server.last().request))
  confirmed.apply([stale])
  confirmed.apply(server.log.slice(1))
  expect([...new Set(seen.flat())]).toEqual(['a', 'mine'])
})

test('views that do not hold the row end with the answer; no echo has to come (C34)', async () => {
  const { optimistic, server } = createSetup()
  const confirmed = createTestRows([], (row) => row.status === 'done')
  const done = optimistic.collection(confirmed)
  server.write('a', task('a'))
  const updated = done.update('a', { status: 'done' })
  await drainMicrotasks()
  await server.last().answer({ ...server.store(server.last().request), position: null })
  expect(updated.state.value).toBe('synced')
  expect(done.rows.value).toMatchObject([{ id: 'a', status: 'done' }])
})

test('synced waits until every view of the entity has applied the stream up to the write (C35)', async () => {
  const { tasks, server, confirmed, optimistic } = createSetup([task('a')])
  const other = createTestRows([task('a')], (row) => row.status === 'done')
  optimistic.collection(other)
  const updated = tasks.update('a', { title: 'x' })
  await drainMicrotasks()
  await server.last().answer(server.store(server.last().request))
  confirmed.apply(server.log)
  expect(updated.state.value).toBe('acked')
  other.apply([], 1)
  expect(updated.state.value).toBe('synced')
})

test('the answer is lost, the echo arrives: stored, and not sent again (C36)', async () => {
  const { tasks, server, confirmed, clock } = createSetup([task('a')])
  const updated = tasks.update('a', { title: 'x' })
  await drainMicrotasks()
  server.store(server.last().request)
  await server.last().reject(new DnrError('disconnected', 'lost', { retryable: true }))
  expect(clock.pendingTimers).toBe(1)
  confirmed.apply(server.log)
  expect([updated.state.value, clock.pendingTimers]).toEqual(['synced', 0])
  await clock.advance(60_000)
  expect(server.sent).toHaveLength(1)
})

test('what the write did to another record as well is not taken for its echo', async () => {
  const { tasks, server, confirmed } = createSetup([task('a'), task('b')])
  const updated = tasks.update('a', { title: 'x' })
  await drainMicrotasks()
  // Both changed in one transaction; the other record is told of first.
  const answer = server.store(server.last().request)
  const other = { ...server.remote('b', { title: 'touched' }), mutationId: updated.mutationId }
  confirmed.apply([other], 0)
  expect([updated.state.value, tasks.byId('a')?.title, tasks.byId('b')?.title]).toEqual([
    'pending',
    'x',
    'touched',
  ])
  await server.last().answer(answer)
  confirmed.apply(server.log)
  expect(await updated.acked).toMatchObject({ id: 'a', title: 'x' })
  expect(updated.state.value).toBe('synced')
})

test('a second echo and a late answer change nothing (C38)', async () => {
  const { tasks, server, confirmed } = createSetup([task('a')])
  const updated = tasks.update('a', { title: 'x' })
  await drainMicrotasks()
  const answer = server.store(server.last().request)
  confirmed.apply(server.log)
  confirmed.apply(server.log)
  await server.last().answer({ ...answer, row: task('a', { title: 'other', version: 9 }) })
  expect(await updated.acked).toMatchObject({ title: 'x' })
  expect(tasks.byId('a')).toMatchObject({ title: 'x' })
})

test('what the server stored differently changes once (C41)', async () => {
  const { tasks, server, confirmed } = createSetup([task('a')])
  const seen = watch(tasks.rows, title)
  tasks.update('a', { title: '  x  ' })
  await drainMicrotasks()
  await server.last().answer(server.store({ ...server.last().request, fields: { title: 'x' } }))
  confirmed.apply(server.log)
  expect(seen.flat()).toEqual(['a', '  x  ', 'x'])
})

test('after a settlement that changed nothing visible, live events still flow (C42)', async () => {
  const { tasks, server, confirmed } = createSetup([task('a', { title: 'x' })])
  tasks.update('a', { title: 'x' })
  await drainMicrotasks()
  await server.last().answer(server.store(server.last().request))
  confirmed.apply(server.log)
  confirmed.apply([server.remote('a', { title: 'y' })])
  expect(tasks.byId('a')?.title).toBe('y')
})

test('a batch of several rows, one of them mine, is one notification (C45)', async () => {
  const { tasks, server, confirmed } = createSetup([task('a'), task('b')])
  tasks.update('a', { title: 'x' })
  await drainMicrotasks()
  const seen = watch(tasks.rows, title)
  server.store(server.last().request)
  server.remote('b', { title: 'y' })
  confirmed.apply(server.log)
  expect(seen).toEqual([
    ['x', 'b'],
    ['x', 'y'],
  ])
})

test('a deleted row stays hidden from the answer until the stream has passed it', async () => {
  const { tasks, server, confirmed } = createSetup([task('a')])
  const seen = watch(tasks.rows, title)
  const deleted = tasks.delete('a')
  await drainMicrotasks()
  const behind = server.remote('a', { title: 'theirs' })
  await server.last().answer(server.store(server.last().request))
  confirmed.apply([behind])
  expect(deleted.state.value).toBe('acked')
  expect(await deleted.acked).toBeNull()
  confirmed.apply(server.log.slice(1))
  expect(deleted.state.value).toBe('synced')
  expect(seen).toEqual([['a'], []])
})

test('a deletion is taken back with the history that it was stored in', async () => {
  const { tasks, server, confirmed } = createSetup([task('a')])
  const deleted = tasks.delete('a')
  await drainMicrotasks()
  await server.last().answer(server.store(server.last().request))
  // The view has been told: it knows that it shows more than its stream has said.
  expect(confirmed.byId('a')).toBeUndefined()
  confirmed.resync([task('a')], 0, 'other')
  expect([deleted.state.value, tasks.rows.value.length]).toEqual(['synced', 1])
})

test('what a write without a row becomes in the views: deleted whatever its version was, hidden in the next one', async () => {
  const { tasks, server, confirmed } = createSetup([task('a'), task('b')])
  const absorbed: unknown[] = []
  const { absorb } = confirmed
  confirmed.absorb = (answer) => {
    absorbed.push([answer.id, answer.version])
    absorb(answer)
  }
  tasks.delete('a')
  await drainMicrotasks()
  await server.last().answer(server.store(server.last().request))
  tasks.update('b', { status: 'secret' })
  await drainMicrotasks()
  const { position } = server.store(server.last().request)
  await server.last().answer({ row: null, position, visible: false })
  expect(absorbed).toEqual([
    ['a', Infinity],
    ['b', 2],
  ])
})

test('a row that its author may no longer see goes with the answer and does not come back', async () => {
  const { tasks, server, confirmed } = createSetup([task('a')])
  const seen = watch(tasks.rows, title)
  tasks.update('a', { status: 'secret' })
  await drainMicrotasks()
  const { position } = server.store(server.last().request)
  await server.last().answer({ row: null, position, visible: false })
  confirmed.apply([{ id: 'a', row: null, version: null, mutationId: null, offset: 1 }])
  expect([...new Set(seen.map((rows) => rows.length))]).toEqual([1, 0])
})

test('a resync that is older than the write does not undo it; one of another history ends the wait', async () => {
  const { tasks, server, confirmed } = createSetup([task('a')])
  const seen = watch(tasks.rows, title)
  const updated = tasks.update('a', { title: 'x' })
  await drainMicrotasks()
  await server.last().answer(server.store(server.last().request))
  confirmed.resync([task('a')], 0)
  expect(updated.state.value).toBe('acked')
  expect([...new Set(seen.flat())]).toEqual(['a', 'x'])
  confirmed.resync([task('a', { title: 'restored' })], 0, 'other')
  expect(updated.state.value).toBe('synced')
  expect(tasks.byId('a')?.title).toBe('restored')
})

test('a row that was made again with a lower version is not hidden for ever by a deletion of the history before', async () => {
  const { tasks, server, confirmed } = createSetup([task('a', { version: 3 })])
  const deleted = tasks.delete('a')
  await drainMicrotasks()
  const { request } = server.last()
  // The answer is on its way while the log is trimmed, and another process makes the row again.
  confirmed.resync([task('a', { title: 'made again', version: 1 })], 11, 'next')
  expect(tasks.rows.value).toEqual([])
  server.store(request)
  await server.last().answer({ row: null, position: { epoch: 'e1', offset: 9 } })
  expect(deleted.state.value).toBe('synced')
  expect(tasks.rows.value.map(title)).toEqual(['made again'])
})

test.each(['create', 'update', 'delete'] as const)(
  'while a view is not live, a %s that was stored in another history holds until the rows of that history come',
  async (operation) => {
    const { tasks, server, confirmed } = createSetup(operation === 'create' ? [] : [task('a')])
    confirmed.apply([], 10)
    confirmed.status.value = 'stale'
    if (operation === 'create') tasks.create({ id: 'a', title: 'mine', rank: 0 })
    if (operation === 'update') tasks.update('a', { title: 'mine' })
    if (operation === 'delete') tasks.delete('a')
    const expected = operation === 'delete' ? [] : ['mine']
    await drainMicrotasks()
    const { row } = server.store(server.last().request)
    await server.last().answer({ row, position: { epoch: 'new', offset: 4 } })
    expect([tasks.pendingOf('a').state, tasks.rows.value.map(title)]).toEqual(['acked', expected])
    confirmed.resync([...server.rows.values()], 4, 'new')
    expect([tasks.pendingOf('a').state, tasks.rows.value.map(title)]).toEqual(['synced', expected])
  },
)

test('a view that comes back and has missed nothing has left the history of such a write behind', async () => {
  const { tasks, server, confirmed } = createSetup([task('a')])
  confirmed.apply([], 10)
  confirmed.status.value = 'stale'
  const deleted = tasks.delete('a')
  await drainMicrotasks()
  await server.last().answer({ row: null, position: { epoch: 'former', offset: 4 } })
  expect(deleted.state.value).toBe('acked')
  confirmed.status.value = 'live'
  expect([deleted.state.value, tasks.rows.value.length]).toEqual(['synced', 1])
})

test('an answer that was lost in a restart is past for a view that has gone on in the next history', async () => {
  const { tasks, server, confirmed, clock } = createSetup([task('a')])
  const updated = tasks.update('a', { title: 'mine' })
  await drainMicrotasks()
  const stored = server.store(server.last().request)
  await server.last().reject(new DnrError('disconnected', 'lost', { retryable: true }))
  confirmed.resync([], 2, 'next')
  await clock.advance(30_000)
  await server.last().answer(stored)
  expect([updated.state.value, tasks.rows.value]).toEqual(['synced', []])
})

test('a write made while the view loads is not undone by the snapshot from before it', async () => {
  const { optimistic, server, tasks: other } = createSetup()
  other.close()
  const confirmed = createTestRows()
  confirmed.status.value = 'loading'
  Object.defineProperty(confirmed, 'position', { value: null, writable: true })
  const tasks = optimistic.collection(confirmed)
  const created = tasks.create({ id: 'a', title: 'x', rank: 0 })
  await drainMicrotasks()
  await server.last().answer(server.store(server.last().request))
  confirmed.resync([], 0)
  expect(tasks.rows.value.map((row) => row.id)).toEqual(['a'])
  confirmed.apply(server.log)
  expect(created.state.value).toBe('synced')
})

test('a view that fails, or is closed, is not waited for (D56)', async () => {
  const { tasks, server, confirmed, optimistic } = createSetup([task('a')])
  const failing = createTestRows()
  optimistic.collection(failing)
  const updated = tasks.update('a', { title: 'x' })
  await drainMicrotasks()
  tasks.close()
  tasks.close()
  await server.last().answer(server.store(server.last().request))
  expect(updated.state.value).toBe('acked')
  failing.status.value = 'failed'
  expect(updated.state.value).toBe('synced')
  await updated.synced
  expect(tasks.rows.value).toBe(confirmed.rows.value)
  expect(() => tasks.update('a', { title: 'y' })).toThrow(expect.objectContaining({ code: 'closed' }))
})

test('closing the manager settles everything, aborts what is sent and leaves no timer', async () => {
  const { tasks, server, optimistic, clock } = createSetup([task('a'), task('b')])
  const sending = tasks.update('a', { title: 'x' })
  const queued = tasks.update('a', { title: 'y' })
  await drainMicrotasks()
  optimistic.close()
  expect([sending.error?.code, queued.error?.code]).toEqual(['closed', 'closed'])
  await expect(queued.synced).rejects.toThrow('closed')
  expect(server.last().signal?.aborted).toBe(true)
  await server.last().answer(server.store(server.last().request))
  expect([sending.state.value, optimistic.pendingCount.value, clock.pendingTimers]).toEqual(['failed', 0, 0])
  expect(() => optimistic.collection(createTestRows())).toThrow(expect.objectContaining({ code: 'closed' }))
})
