import { drainMicrotasks } from '@dnr/testing'
import { DnrError } from '@dnr/protocol'
import { expect, test } from 'vitest'
import { createSetup, task } from '../fake-server.ts'

const busy = new DnrError('busy', 'later', { retryable: true })
const operations = (sent: readonly { request: { id: string } }[]): string[] =>
  sent.map(({ request }) => request.id)

test('one record after the other, different records at once', async () => {
  const { tasks, server } = createSetup([task('a'), task('b')])
  tasks.update('a', { count: 1 })
  tasks.update('a', { count: 2 })
  tasks.update('b', { count: 3 })
  await drainMicrotasks()
  expect(operations(server.sent)).toEqual(['a', 'b'])
  await server.sent[0]?.answer(server.store(server.sent[0].request))
  expect(operations(server.sent)).toEqual(['a', 'b', 'a'])
})

test('what happens to the object of an update after the call is neither shown nor sent', async () => {
  const { tasks, server } = createSetup([task('a')])
  const patch = { count: 1 }
  tasks.update('a', patch)
  patch.count = 2
  await drainMicrotasks()
  expect([tasks.byId('a')?.count, server.last().request.fields]).toEqual([1, { count: 1 }])
})

test('a retryable error is retried with back-off, under the same mutation id and with the same content', async () => {
  const { tasks, server, clock } = createSetup([task('a')])
  tasks.update('a', (row) => ({ count: row.count + 1 }))
  await drainMicrotasks()
  for (const delayMs of [250, 500, 1_000]) {
    await server.last().reject(busy)
    const before = server.sent.length
    await clock.advance(delayMs - 1)
    expect(server.sent).toHaveLength(before)
    await clock.advance(1)
    expect(server.sent).toHaveLength(before + 1)
  }
  expect(new Set(server.sent.map(({ request }) => JSON.stringify(request))).size).toBe(1)
  await server.last().answer(server.store(server.last().request))
  expect(clock.pendingTimers).toBe(0)
})

test('the same answer to a retry settles the mutation once (C37)', async () => {
  const { tasks, server, clock } = createSetup([task('a')])
  const updated = tasks.update('a', { count: 1 })
  await drainMicrotasks()
  server.store(server.last().request)
  await server.last().reject(busy)
  await clock.advance(250)
  await server.last().answer(server.store(server.last().request))
  expect([updated.state.value, server.log.length, server.rows.get('a')?.version]).toEqual(['acked', 1, 2])
})

test('retryAfterMs is waited for at least, and reconnecting does not shorten it', async () => {
  const { tasks, server, clock } = createSetup([task('a')])
  tasks.update('a', { count: 1 })
  await drainMicrotasks()
  await server
    .last()
    .reject(new DnrError('rate_limited', 'slow down', { retryable: true, retryAfterMs: 5_000 }))
  server.connected.value = false
  server.connected.value = true
  await clock.advance(5_249)
  expect(server.sent).toHaveLength(1)
  await clock.advance(1)
  expect(server.sent).toHaveLength(2)
})

test('a later mutation of the row does not overtake one that waits to be retried', async () => {
  const { tasks, server, clock } = createSetup([task('a')])
  const first = tasks.update('a', { count: 1 })
  await drainMicrotasks()
  await server.last().reject(busy)
  tasks.update('a', { count: 2 })
  await clock.advance(250)
  expect(server.sent.map(({ request }) => request.mutationId)).toEqual([first.mutationId, first.mutationId])
})

test('while not connected nothing is sent; what waits goes out when the connection is back', async () => {
  const { tasks, server, clock } = createSetup([task('a'), task('b')])
  tasks.update('a', { count: 1 })
  await drainMicrotasks()
  server.connected.value = false
  await server.last().reject(new DnrError('disconnected', 'gone', { retryable: true }))
  tasks.update('b', { count: 1 })
  await clock.advance(600_000)
  expect(operations(server.sent)).toEqual(['a'])
  server.connected.value = true
  await drainMicrotasks()
  expect(operations(server.sent)).toEqual(['a', 'a', 'b'])
  expect(clock.pendingTimers).toBe(0)
})

test.each(['unauthorized', 'token_expired', 'token_revoked', 'needs_auth'] as const)(
  '%s stops sending, rolls nothing back, and the same mutation is sent after resume (D58)',
  async (code) => {
    const { tasks, server, clock, optimistic } = createSetup([task('a'), task('b')])
    const updated = tasks.update('a', { count: 1 })
    await drainMicrotasks()
    await server.last().reject(new DnrError(code, 'who?'))
    tasks.update('b', { count: 1 })
    await clock.advance(600_000)
    expect([operations(server.sent), optimistic.paused.value?.code]).toEqual([['a'], code])
    expect([updated.state.value, tasks.byId('a')?.count]).toEqual(['pending', 1])
    optimistic.resume()
    await drainMicrotasks()
    expect([operations(server.sent), optimistic.paused.value]).toEqual([['a', 'a', 'b'], null])
    expect(server.sent[1]?.request).toEqual(server.sent[0]?.request)
  },
)

test('a refusal that asks who we are is sent again after resume, also when it names a time', async () => {
  const { tasks, server, clock, optimistic } = createSetup([task('a')])
  tasks.update('a', { count: 1 })
  await drainMicrotasks()
  for (let round = 1; round < 3; round++) {
    await server.last().reject(new DnrError('unauthorized', 'who?', { retryable: true, retryAfterMs: 1_000 }))
    await clock.advance(600_000)
    expect([server.sent.length, optimistic.paused.value?.code]).toEqual([round, 'unauthorized'])
    optimistic.resume()
    await drainMicrotasks()
  }
  await server.last().answer(server.store(server.last().request))
  expect([optimistic.pendingCount.value, clock.pendingTimers]).toEqual([0, 0])
})

test('connecting again ends the pause as well', async () => {
  const { tasks, server, optimistic } = createSetup([task('a')])
  tasks.update('a', { count: 1 })
  await drainMicrotasks()
  await server.last().reject(new DnrError('unauthorized', 'who?'))
  server.connected.value = false
  server.connected.value = true
  await drainMicrotasks()
  expect([optimistic.paused.value, server.sent.length]).toEqual([null, 2])
})

test('pendingCount tells how many are not stored', async () => {
  const { tasks, server, optimistic } = createSetup([task('a'), task('b')])
  tasks.update('a', { count: 1 })
  tasks.update('b', { count: 1 })
  expect(optimistic.pendingCount.value).toBe(2)
  await drainMicrotasks()
  await server.sent[0]?.answer(server.store(server.sent[0].request))
  await server.sent[1]?.reject(new DnrError('forbidden', 'no'))
  expect(optimistic.pendingCount.value).toBe(0)
})

test('a function is called with the row as it is when its turn comes; with nothing to change nothing is sent', async () => {
  const { tasks, server, confirmed } = createSetup([task('a')])
  tasks.update('a', { title: 'x' })
  const second = tasks.update('a', (row) => (row.count > 5 ? { status: 'many' } : {}))
  await drainMicrotasks()
  await server.last().answer(server.store(server.last().request))
  expect([second.state.value, server.sent.length]).toEqual(['synced', 1])
  tasks.update('a', { title: 'y' })
  await drainMicrotasks()
  const third = tasks.update('a', (row) => (row.count > 5 ? { status: 'many' } : { status: 'few' }))
  await server.last().answer(server.store(server.last().request))
  confirmed.apply([server.remote('a', { count: 9 })])
  await drainMicrotasks()
  expect(server.last().request.fields).toEqual({ status: 'few' })
  expect(third.state.value).toBe('pending')
})

test('a function whose row was deleted meanwhile fails without being sent', async () => {
  const { tasks, server, confirmed } = createSetup([task('a')])
  server.connected.value = false
  const updated = tasks.update('a', (row) => ({ count: row.count + 1 }))
  confirmed.apply([server.write('a', null)])
  server.connected.value = true
  await drainMicrotasks()
  expect([updated.error?.code, server.sent]).toEqual(['row_absent', []])
  expect(tasks.failed.value[0]?.fields).toBeNull()
})
