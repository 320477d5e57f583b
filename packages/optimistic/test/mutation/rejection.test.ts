import { drainMicrotasks } from '@dnr/testing'
import { DnrError } from '@dnr/protocol'
import { expect, test } from 'vitest'
import { createSetup, task, watch } from '../fake-server.ts'

const forbidden = new DnrError('forbidden', 'no')

test('a refused update shows the newest server state, and keeps what its author gave (D46)', async () => {
  const { tasks, server, confirmed, errors } = createSetup([task('a')])
  const updated = tasks.update('a', { title: 'mine' })
  confirmed.apply([server.remote('a', { title: 'theirs', count: 3 })])
  await drainMicrotasks()
  await server.last().reject(forbidden)
  expect(tasks.byId('a')).toMatchObject({ title: 'theirs', count: 3 })
  expect([updated.state.value, updated.error]).toEqual(['failed', forbidden])
  expect(tasks.failed.value).toMatchObject([
    { operation: 'update', id: 'a', fields: { title: 'mine' }, error: forbidden },
  ])
  expect(errors).toEqual([forbidden])
})

test('a refused deletion: the row is back in its place with the edits that came meanwhile (D47, D48)', async () => {
  const { tasks, server, confirmed } = createSetup([
    task('a', { rank: 1 }),
    task('b', { rank: 2 }),
    task('c', { rank: 3 }),
  ])
  const seen = watch(tasks.rows, (row) => row.id)
  tasks.delete('b')
  confirmed.apply([server.remote('b', { title: 'theirs', rank: 9 })])
  expect(tasks.rows.value.map((row) => row.id)).toEqual(['a', 'c'])
  await drainMicrotasks()
  await server.last().reject(forbidden)
  expect(tasks.rows.value.map((row) => [row.id, row.title])).toEqual([
    ['a', 'a'],
    ['c', 'c'],
    ['b', 'theirs'],
  ])
  expect(seen).toEqual([
    ['a', 'b', 'c'],
    ['a', 'c'],
    ['a', 'c', 'b'],
  ])
})

test('a remote deletion below a pending update takes the row away; the refusal is kept (D50)', async () => {
  const { tasks, server, confirmed } = createSetup([task('a')])
  tasks.update('a', { title: 'mine' })
  await drainMicrotasks()
  confirmed.apply([server.write('a', null)])
  expect(tasks.rows.value).toEqual([])
  await server.last().reject(new DnrError('not_found', 'gone'))
  expect(tasks.rows.value).toEqual([])
  expect(tasks.failed.value[0]?.fields).toEqual({ title: 'mine' })
})

test('a refused creation leaves the list, its attempt stays and can be retried under the same mutation id (D51)', async () => {
  const { tasks, server, confirmed, optimistic } = createSetup()
  const created = tasks.create({ id: 'a', title: 'x' })
  await drainMicrotasks()
  await server.last().reject(new DnrError('id_taken', 'taken'))
  expect(tasks.rows.value).toEqual([])
  const [failed] = tasks.failed.value
  const again = failed?.retry()
  expect(failed?.retry()).toBe(again)
  expect([optimistic.failed.value, tasks.rows.value.length]).toEqual([[], 1])
  await drainMicrotasks()
  expect(server.sent.map(({ request }) => request)).toEqual([
    server.sent[0]?.request,
    server.sent[0]?.request,
  ])
  await server.last().answer(server.store(server.last().request))
  confirmed.apply(server.log)
  expect([again?.state.value, created.state.value]).toEqual(['synced', 'failed'])
})

test('a failure can be discarded, also twice', async () => {
  const { tasks, server } = createSetup([task('a')])
  tasks.delete('a')
  await drainMicrotasks()
  await server.last().reject(forbidden)
  const [failed] = tasks.failed.value
  expect(failed?.fields).toBeNull()
  failed?.discard()
  failed?.discard()
  expect(tasks.failed.value).toEqual([])
})

test('a retry after it was discarded, or after the manager was closed, does nothing', async () => {
  for (const isClosed of [false, true]) {
    const { tasks, server, optimistic } = createSetup([task('a')])
    const updated = tasks.update('a', { title: 'x' })
    await drainMicrotasks()
    await server.last().reject(forbidden)
    const [failed] = tasks.failed.value
    if (isClosed) optimistic.close()
    else failed?.discard()
    expect(optimistic.failed.value).toEqual([])
    expect(failed?.retry()).toBe(updated)
    await drainMicrotasks()
    expect([server.sent.length, optimistic.pendingCount.value]).toEqual([1, 0])
  }
})

test('a creation that may have been stored, retried and deleted at once, is deleted on the server', async () => {
  const { tasks, server, confirmed } = createSetup()
  tasks.create({ id: 'a', title: 'x' })
  await drainMicrotasks()
  server.store(server.last().request)
  await server.last().reject(new DnrError('internal', 'The answer is not known.'))
  tasks.failed.value[0]?.retry()
  const deleted = tasks.delete('a')
  expect(tasks.rows.value).toEqual([])
  await drainMicrotasks()
  await server.last().answer(server.store(server.last().request))
  await server.last().answer(server.store(server.last().request))
  confirmed.apply(server.log)
  expect(server.sent.map(({ request }) => request.operation)).toEqual(['create', 'create', 'delete'])
  expect([deleted.state.value, server.rows.size, tasks.rows.value]).toEqual(['synced', 0, []])
})

test('a refusal does not roll back what succeeded after it on the same row (D52)', async () => {
  const { tasks, server, confirmed } = createSetup([task('a')])
  tasks.update('a', { title: 'refused' })
  tasks.update('a', { count: 2 })
  await drainMicrotasks()
  await server.last().reject(forbidden)
  await server.last().answer(server.store(server.last().request))
  confirmed.apply(server.log)
  expect(tasks.byId('a')).toMatchObject({ title: 'a', count: 2 })
})

test('likes of five rows fail in any order: all are back at their base (D53)', async () => {
  const ids = ['a', 'b', 'c', 'd', 'e']
  const { tasks, server } = createSetup(ids.map((id) => task(id)))
  for (const id of ids) tasks.update(id, (row) => ({ count: row.count + 1 }))
  await drainMicrotasks()
  for (const index of [3, 0, 4, 1, 2]) await server.sent[index]?.reject(forbidden)
  expect(tasks.rows.value).toEqual(ids.map((id) => task(id)))
})

test('a creation and a deletion before anything was sent: both vanish, nothing is sent (A6)', async () => {
  const { tasks, server, optimistic } = createSetup()
  const created = tasks.create({ id: 'a', title: 'x' })
  const updated = tasks.update('a', { title: 'y' })
  const deleted = tasks.delete('a')
  expect(tasks.rows.value).toEqual([])
  expect([created.error?.code, updated.error?.code, deleted.state.value]).toEqual([
    'cancelled',
    'cancelled',
    'synced',
  ])
  await drainMicrotasks()
  expect([server.sent, tasks.failed.value, optimistic.pendingCount.value]).toEqual([[], [], 0])
})

test('a deletion while the creation is sent follows its answer; the echo does not flash the row (A7)', async () => {
  const { tasks, server, confirmed } = createSetup()
  const seen = watch(tasks.rows, (row) => row.id)
  tasks.create({ id: 'a', title: 'x' })
  await drainMicrotasks()
  const deleted = tasks.delete('a')
  const answer = server.store(server.last().request)
  confirmed.apply(server.log)
  await server.last().answer(answer)
  expect(server.sent.map(({ request }) => request.operation)).toEqual(['create', 'delete'])
  await server.last().answer(server.store(server.last().request))
  confirmed.apply(server.log.slice(1))
  expect(deleted.state.value).toBe('synced')
  expect(seen).toEqual([[], ['a'], []])
})

test('an update waits for the creation of its row (A5)', async () => {
  const { tasks, server } = createSetup()
  tasks.create({ id: 'a', title: 'x' })
  await drainMicrotasks()
  tasks.update('a', { title: 'y' })
  await drainMicrotasks()
  expect(tasks.byId('a')?.title).toBe('y')
  expect(server.sent).toHaveLength(1)
  await server.last().answer(server.store(server.last().request))
  expect(server.sent.map(({ request }) => request.operation)).toEqual(['create', 'update'])
})

test('a creation fails: what waited behind it is cancelled with the cause, unsent; its next life is not (A8)', async () => {
  const { tasks, server } = createSetup()
  const created = tasks.create({ id: 'a', title: 'x' })
  await drainMicrotasks()
  const updated = tasks.update('a', { title: 'y' })
  const deleted = tasks.delete('a')
  const reborn = tasks.create({ id: 'a', title: 'z' })
  await server.last().reject(forbidden)
  expect([created.error, updated.error?.code, updated.error?.cause]).toEqual([
    forbidden,
    'cancelled',
    forbidden,
  ])
  expect(deleted.error?.cause).toBe(forbidden)
  expect(tasks.failed.value.map((each) => each.fields)).toEqual([{ title: 'x' }, { title: 'y' }])
  expect(server.sent.map(({ request }) => request.mutationId)).toEqual([
    created.mutationId,
    reborn.mutationId,
  ])
  await expect(updated.acked).rejects.toThrow('could not be created')
})

test('fire and forget: no failure becomes an unhandled rejection (D57)', async () => {
  const { tasks, server } = createSetup([task('a')])
  const unhandled: unknown[] = []
  const listen = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', listen)
  tasks.update('a', { title: 'x' })
  await drainMicrotasks()
  await server.last().reject(forbidden)
  await drainMicrotasks()
  process.off('unhandledRejection', listen)
  expect(unhandled).toEqual([])
})

test('what a message says decides nothing (D59)', async () => {
  const { tasks, server } = createSetup([task('a')])
  const updated = tasks.update('a', { title: 'x' })
  await drainMicrotasks()
  await server.last().reject(new DnrError('busy', 'Order 4001 not found, 403', { retryable: true }))
  expect(updated.state.value).toBe('pending')
})

test.each([['text'], [42], [undefined], [new TypeError('bug')]])(
  '%s thrown by a transport is wrapped, and kept as cause (D60)',
  async (thrown) => {
    const { tasks, server } = createSetup([task('a')])
    const updated = tasks.update('a', { title: 'x' })
    await drainMicrotasks()
    await server.last().reject(thrown)
    expect(updated.error).toBeInstanceOf(DnrError)
    expect(updated.error?.cause).toBe(thrown)
  },
)

test('a transport that throws at once is a refusal as well', async () => {
  const { tasks, server } = createSetup([task('a')])
  server.mutate = () => {
    throw forbidden
  }
  const updated = tasks.update('a', { title: 'x' })
  await drainMicrotasks()
  expect(updated.error).toBe(forbidden)
})

test('a creation taken back before it was sent does not hide a row of that id which came from elsewhere', async () => {
  const { tasks, server, confirmed } = createSetup()
  tasks.create({ id: 'a', title: 'mine' })
  confirmed.apply([server.remote('a', { title: 'theirs' })])
  const deleted = tasks.delete('a')
  await drainMicrotasks()
  expect(server.sent.map(({ request }) => request.operation)).toEqual(['delete'])
  await server.last().reject(forbidden)
  expect(deleted.state.value).toBe('failed')
  expect(tasks.rows.value.map((row) => row.title)).toEqual(['theirs'])
})
