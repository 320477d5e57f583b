import { drainMicrotasks } from '@dnr/testing'
import { VersionConflict } from '@dnr/protocol'
import { expect, test, vi } from 'vitest'
import { createSetup, type FakeServer, task, watch } from '../fake-server.ts'

/** Lets the server answer the last request, a conflict included. */
async function exchange(server: FakeServer): Promise<void> {
  const sent = server.last()
  try {
    await sent.answer(server.store(sent.request))
  } catch (error) {
    await sent.reject(error)
  }
}

test('without ifVersion the last write of a field wins, and no version is sent', async () => {
  const { tasks, server } = createSetup([task('a')])
  tasks.update('a', { title: 'mine' })
  await drainMicrotasks()
  expect(server.last().request).not.toHaveProperty('ifVersion')
})

test('two patches of mine never conflict with each other: the second goes with the version of the first (E63)', async () => {
  const { tasks, server } = createSetup([task('a')], { ifVersion: true })
  tasks.update('a', { title: 'x' })
  tasks.update('a', { title: 'y' })
  await drainMicrotasks()
  await exchange(server)
  await exchange(server)
  expect(server.sent.map(({ request }) => request.ifVersion)).toEqual([1, 2])
  expect(server.rows.get('a')).toMatchObject({ title: 'y', version: 3 })
})

test('a row created here takes the version of its answer', async () => {
  const { tasks, server } = createSetup([], { ifVersion: true })
  tasks.create({ id: 'a', title: 'x' })
  tasks.update('a', { title: 'y' })
  await drainMicrotasks()
  await exchange(server)
  expect(server.sent.map(({ request }) => request.ifVersion)).toEqual([undefined, 1])
})

test('a row that nobody has counted yet is at version 0, and that is expected of it', async () => {
  const { tasks, server } = createSetup([{ ...task('a'), version: 0 }], { ifVersion: true })
  tasks.update('a', ({ count }) => ({ count: count + 1 }))
  await drainMicrotasks()
  expect(server.last().request).toMatchObject({ fields: { count: 1 }, ifVersion: 0 })
})

test('of a row created here that its author may not see no version is expected', async () => {
  const { tasks, server } = createSetup([], { ifVersion: true })
  tasks.create({ id: 'a', title: 'x' })
  tasks.update('a', { title: 'y' })
  await drainMicrotasks()
  await server.last().answer({ row: null, position: null })
  expect(server.sent).toHaveLength(2)
  expect(server.last().request).not.toHaveProperty('ifVersion')
})

test('other fields changed: merged without asking, sent again with the new version and the same id (E64)', async () => {
  const resolve = vi.fn()
  const { tasks, server } = createSetup([task('a')], { resolve })
  const updated = tasks.update('a', { title: 'mine' })
  server.remote('a', { rank: 5 })
  await drainMicrotasks()
  await exchange(server)
  await exchange(server)
  expect(server.sent.map(({ request }) => [request.ifVersion, request.mutationId])).toEqual([
    [1, updated.mutationId],
    [2, updated.mutationId],
  ])
  expect(resolve).not.toHaveBeenCalled()
  expect(await updated.acked).toMatchObject({ title: 'mine', rank: 5, version: 3 })
})

test('the same field changed: resolve decides, with the row that I saw, mine, and theirs (E62, E67)', async () => {
  const resolve = vi.fn((_base: unknown, local: { title: string }, remote: { title: string }) => ({
    title: `${local.title}+${remote.title}`,
  }))
  const { tasks, server, confirmed } = createSetup([task('a')], { resolve })
  server.connected.value = false
  const updated = tasks.update('a', { title: 'mine' })
  confirmed.apply([server.remote('a', { title: 'theirs' })])
  expect(tasks.byId('a')?.title).toBe('mine')
  server.connected.value = true
  await drainMicrotasks()
  await exchange(server)
  expect(resolve.mock.calls).toEqual([
    [task('a'), task('a', { title: 'mine' }), task('a', { title: 'theirs', version: 2 })],
  ])
  expect(tasks.byId('a')?.title).toBe('mine+theirs')
  await exchange(server)
  expect(await updated.acked).toMatchObject({ title: 'mine+theirs', version: 3 })
})

test('who keeps theirs sees it at once, before the view has it, and never the row of before', async () => {
  const { tasks, server, confirmed } = createSetup([task('a')], { resolve: () => ({}) })
  const seen = watch(tasks.rows, (row) => row.title)
  const updated = tasks.update('a', { title: 'mine' })
  server.remote('a', { title: 'theirs' })
  await drainMicrotasks()
  await exchange(server)
  expect([updated.state.value, server.sent.length]).toEqual(['acked', 1])
  expect(await updated.acked).toMatchObject({ title: 'theirs', version: 2 })
  confirmed.apply([], 0)
  expect([updated.state.value, tasks.byId('a')?.title]).toEqual(['acked', 'theirs'])
  confirmed.apply(server.log)
  expect(updated.state.value).toBe('synced')
  expect(seen.flat().join(' ')).toMatch(/^a mine( theirs)+$/)
})

test('who keeps theirs waits for no view that has lost the row meanwhile, nor for one that starts anew', async () => {
  for (const isGone of [true, false]) {
    const { tasks, server, confirmed } = createSetup([task('a')], { resolve: () => ({}) })
    const updated = tasks.update('a', { title: 'mine' })
    server.remote('a', { title: 'theirs' })
    await drainMicrotasks()
    await exchange(server)
    if (isGone) confirmed.apply([server.write('a', null)])
    else confirmed.resync([task('a', { title: 'restored' })], 0, 'other')
    expect(updated.state.value).toBe('synced')
    expect(tasks.byId('a')?.title).toBe(isGone ? undefined : 'restored')
  }
})

test('what is merged shows over theirs at once, and goes with a row that is deleted meanwhile', async () => {
  const { tasks, server, confirmed } = createSetup([task('a')], { resolve: () => ({ rank: 7 }) })
  tasks.update('a', { title: 'mine', rank: 5 })
  server.remote('a', { title: 'theirs', rank: 6 })
  await drainMicrotasks()
  await exchange(server)
  expect(tasks.byId('a')).toMatchObject({ title: 'theirs', rank: 7 })
  confirmed.apply([server.write('a', null)])
  expect(tasks.rows.value).toEqual([])
})

test('without resolve my fields are written again', async () => {
  const { tasks, server } = createSetup([task('a')], { ifVersion: true })
  tasks.update('a', { title: 'mine' })
  server.remote('a', { title: 'theirs' })
  await drainMicrotasks()
  await exchange(server)
  await exchange(server)
  expect(server.rows.get('a')).toMatchObject({ title: 'mine', version: 3 })
})

test('a function is computed anew from the row as it is', async () => {
  const { tasks, server } = createSetup([task('a', { count: 1 })])
  tasks.update('a', (row) => ({ count: row.count + 1 }))
  server.remote('a', { count: 10 })
  await drainMicrotasks()
  await exchange(server)
  expect(tasks.byId('a')?.count).toBe(11)
  await exchange(server)
  expect(server.rows.get('a')).toMatchObject({ count: 11, version: 3 })
})

test('a function that joins a patch in a batch is sent with the version that it was computed on', async () => {
  const { tasks, server, optimistic } = createSetup([task('a')])
  optimistic.batch(() => {
    tasks.update('a', { title: 'mine' })
    tasks.update('a', (row) => ({ count: row.count + 1 }))
  })
  server.remote('a', { count: 10 })
  await drainMicrotasks()
  await exchange(server)
  await exchange(server)
  expect(server.sent.map(({ request }) => request.ifVersion)).toEqual([1, 2])
  expect(server.rows.get('a')).toMatchObject({ title: 'mine', count: 11 })
})

test.each([
  { first: { ifVersion: true }, second: {} },
  { first: {}, second: { ifVersion: true } },
  { first: { ifVersion: true }, second: { ifVersion: false } },
])(
  'in a batch one that asks for the version has it sent: $first, then $second',
  async ({ first, second }) => {
    const { tasks, server, optimistic } = createSetup([task('a')])
    optimistic.batch(() => {
      tasks.update('a', { title: 'mine' }, first)
      tasks.update('a', { count: 1 }, second)
    })
    await drainMicrotasks()
    expect(server.last().request).toMatchObject({ fields: { title: 'mine', count: 1 }, ifVersion: 1 })
  },
)

test('a slow resolver holds its record alone, also over a reconnect (E65)', async () => {
  let decide = (_fields: { title: string }): void => {}
  const { tasks, server } = createSetup([task('a'), task('b')], {
    resolve: () => new Promise((resolve) => (decide = resolve)),
  })
  tasks.update('a', { title: 'mine' })
  server.remote('a', { title: 'theirs' })
  await drainMicrotasks()
  await exchange(server)
  tasks.update('a', { rank: 1 })
  tasks.update('b', { title: 'free' })
  server.connected.value = false
  server.connected.value = true
  await drainMicrotasks()
  expect(server.sent.map(({ request }) => request.id)).toEqual(['a', 'b'])
  decide({ title: 'both' })
  await drainMicrotasks()
  expect(server.last().request).toMatchObject({ id: 'a', fields: { title: 'both' }, ifVersion: 2 })
})

test.each([
  {
    name: 'throws',
    resolve: () => {
      throw new Error('boom')
    },
    message: 'threw',
  },
  { name: 'returns null', resolve: () => null, message: 'at version 2' },
  { name: 'returns nothing', resolve: () => undefined as unknown as null, message: 'at version 2' },
])('a resolver that $name: the mutation fails, the row shows theirs (E65)', async ({ resolve, message }) => {
  const { tasks, server, confirmed } = createSetup([task('a')], { resolve })
  const updated = tasks.update('a', { title: 'mine' })
  confirmed.apply([server.remote('a', { title: 'theirs' })])
  await drainMicrotasks()
  await exchange(server)
  expect(updated.error).toMatchObject({ code: 'version_conflict', message: expect.stringContaining(message) })
  expect(tasks.byId('a')?.title).toBe('theirs')
  expect(tasks.failed.value).toHaveLength(1)
})

test('the decision comes after the manager was closed: nothing happens', async () => {
  let decide = (_fields: { title: string }): void => {}
  const { tasks, server, optimistic } = createSetup([task('a')], {
    resolve: () => new Promise((resolve) => (decide = resolve)),
  })
  const updated = tasks.update('a', { title: 'mine' })
  server.remote('a', { title: 'theirs' })
  await drainMicrotasks()
  await exchange(server)
  optimistic.close()
  decide({ title: 'both' })
  await drainMicrotasks()
  expect([updated.error?.code, server.sent.length]).toEqual(['closed', 1])
})

test('where many write, retries of a conflict keep apart', async () => {
  const { tasks, server, clock } = createSetup([task('a')], { ifVersion: true })
  tasks.update('a', { title: 'mine' })
  await drainMicrotasks()
  for (let round = 0; round < 2; round++) {
    const current = { ...task('a'), version: 5 + round }
    await server.last().reject(new VersionConflict(current, 1, current.version))
  }
  expect([server.sent.length, clock.pendingTimers]).toEqual([2, 1])
  await clock.advance(500)
  expect(server.last().request.ifVersion).toBe(6)
})
