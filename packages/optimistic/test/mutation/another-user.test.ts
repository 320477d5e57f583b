import { createManualClock, drainMicrotasks } from '@dnr/testing'
import { DnrError } from '@dnr/protocol'
import { signal } from '@preact/signals-core'
import { expect, test } from 'vitest'
import { createOptimisticManager } from '../../src/index.ts'
import { createFakeServer, createTestRows, type Task, task, watch } from '../fake-server.ts'

/** Alice writes; `signIn` connects as somebody else, and takes the rows away as a collection of @dnr/client does. */
function createSetup(initial: readonly Task[] = []) {
  const userId = signal<string | null>('alice')
  const server = Object.assign(createFakeServer(initial), { userId })
  const confirmed = createTestRows(initial)
  const optimistic = createOptimisticManager({ transport: server, clock: createManualClock() })
  const tasks = optimistic.collection(confirmed)
  const signIn = (name: string): Promise<void> => {
    server.connected.value = false
    userId.value = name
    confirmed.resync([], confirmed.position?.offset ?? 0)
    server.connected.value = true
    return drainMicrotasks()
  }
  return { server, tasks, optimistic, signIn }
}

test('what was stored for the former user is not shown to the next one before a view has caught up with it', async () => {
  const { tasks, server, signIn } = createSetup()
  const created = tasks.create({ id: 'a', title: 'of alice', rank: 0 })
  await drainMicrotasks()
  await server.last().answer(server.store(server.last().request))
  expect(created.state.value).toBe('acked')
  const seen = watch(tasks.rows, (row) => row.title)
  await signIn('bob')
  expect(seen).toEqual([['of alice'], []])
  expect([created.state.value, tasks.pendingOf('a').state]).toEqual(['synced', 'synced'])
  await created.synced
})

test('a write of the next user on a row that the former one had stored goes out', async () => {
  const { tasks, server, signIn } = createSetup()
  tasks.create({ id: 'a', title: 'of alice', rank: 0 })
  await drainMicrotasks()
  await server.last().answer(server.store(server.last().request))
  tasks.update('a', { title: 'never sent' })
  await signIn('bob')
  const updated = tasks.update('a', { title: 'of bob' })
  await drainMicrotasks()
  expect(server.last().request.mutationId).toBe(updated.mutationId)
  await server.last().answer(server.store(server.last().request))
  expect([updated.state.value, server.rows.get('a')?.title]).toEqual(['acked', 'of bob'])
})

test('what failed for the former user is not sent by a retry that is still at hand', async () => {
  const { tasks, server, optimistic, signIn } = createSetup([task('a')])
  const updated = tasks.update('a', { title: 'of alice' })
  await drainMicrotasks()
  await server.last().reject(new DnrError('forbidden', 'no'))
  const [failed] = tasks.failed.value
  await signIn('bob')
  expect(tasks.failed.value).toEqual([])
  expect(failed?.retry()).toBe(updated)
  await drainMicrotasks()
  expect([server.sent.length, optimistic.pendingCount.value]).toEqual([1, 0])
})
