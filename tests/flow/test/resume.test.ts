import { copyFile, rm } from 'node:fs/promises'
import { createOptimisticManager, httpMutations } from '@dnr/optimistic'
import { signal } from '@preact/signals-core'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { openBrowser } from '../src/browser.ts'
import { readSlowly } from '../src/read-slowly.ts'
import { startStack } from '../src/stack.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'
import { until } from '../src/until.ts'

test('after a cut the client goes on where it stopped: every change, in order, once', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({ path: folder.file('tasks.db') })
  await stack.tasks.create({ id: 'counter', title: 'Counter' })
  using alice = openBrowser(stack.url, 'alice.red')
  const heard = signal<readonly { readonly rank: unknown; readonly version: unknown }[]>([])
  const recovered = recoveries(alice.client)
  const shown = alice.client.collection('Task')
  const listening = alice.client.subscribe('entity:Task', {
    event: ({ payload }) => {
      heard.value = [...heard.value, { rank: 'rank' in payload && payload['rank'], version: payload.version }]
    },
  })
  await Promise.all([shown.ready, listening.ready])

  for (let rank = 1; rank <= 60; rank++) {
    await stack.tasks.update('counter', { rank })
    if (rank % 20 === 0) {
      alice.cut()
      await until(alice.client.connected, (connected) => !connected)
    }
  }
  await until(shown.rows, (rows) => rows[0]?.rank === 60)
  await until(heard, (events) => events.length >= 60)
  expect(heard.value).toEqual(Array.from({ length: 60 }, (_, n) => ({ rank: n + 1, version: n + 2 })))
  expect(alice.connections).toBeGreaterThanOrEqual(2)
  // One for each of the two listeners at first, then a resume each time.
  expect(recovered.slice(2).every(Boolean)).toBe(true)
})

test('a collection keeps its rows while it is stale, and rows that did not change stay the same objects', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStack({ path: folder.file('tasks.db') })
  for (const id of ['a', 'b']) await stack.tasks.create({ id, title: id })
  using alice = openBrowser(stack.url, 'alice.red')
  const shown = alice.client.collection('Task')
  await shown.ready
  const [a] = shown.rows.value
  const counts: number[] = []
  shown.rows.subscribe((rows) => counts.push(rows.length))

  alice.client.disconnect()
  await until(shown.status, (status) => status === 'stale')
  expect(shown.rows.value).toHaveLength(2)
  await stack.tasks.update('b', { title: 'changed while away' })
  alice.client.connect()
  await until(shown.rows, (rows) => rows[1]?.title === 'changed while away')
  expect(shown.rows.value[0]).toBe(a)
  expect(counts.every((count) => count === 2)).toBe(true)
  await until(shown.status, (status) => status === 'live')
})

test('a client whose history is gone is resynchronised as a difference', async () => {
  await using folder = await temporaryFolder()
  const before = await startStack({ path: folder.file('before.db') })
  for (const id of ['changed', 'gone', 'kept']) await before.tasks.create({ id, title: id })
  using alice = openBrowser(before.url, 'alice.red')
  const recovered = recoveries(alice.client)
  const shown = alice.client.collection('Task')
  await shown.ready
  const kept = shown.byId('kept')
  await before[Symbol.asyncDispose]()
  await until(shown.status, (status) => status === 'stale')

  await using after = await startStack({ path: folder.file('after.db'), port: before.port })
  for (const id of ['changed', 'kept', 'new']) await after.tasks.create({ id, title: id })
  await after.tasks.update('changed', { title: 'changed since' })
  await until(shown.rows, (rows) => rows.map(({ title }) => title).join() === 'changed since,kept,new')
  expect(shown.byId('kept')).toEqual(kept)
  expect(recovered).toEqual([false, false])
})

test('a backup that was restored is noticed, also when the log has grown past the position', async () => {
  await using folder = await temporaryFolder()
  const [file, backup] = [folder.file('tasks.db'), folder.file('backup.db')]
  {
    await using stack = await startStack({ path: file })
    await stack.tasks.create({ id: 'old', title: 'In the backup' })
  }
  await copyFile(file, backup)
  const before = await startStack({ path: file })
  await before.tasks.create({ id: 'lost', title: 'After the backup' })
  using alice = openBrowser(before.url, 'alice.red')
  const recovered = recoveries(alice.client)
  const shown = alice.client.collection('Task')
  await shown.ready
  expect(shown.rows.value).toHaveLength(2)
  await before[Symbol.asyncDispose]()
  await rm(`${file}-wal`, { force: true })
  await copyFile(backup, file)

  await using after = await startStack({ path: file, port: before.port })
  for (const id of ['n1', 'n2', 'n3']) await after.tasks.create({ id, title: id })
  await until(shown.rows, (rows) => rows.map(({ id }) => id).join() === 'n1,n2,n3,old')
  expect(recovered).toEqual([false, false])
})

test('F20 what only answers to writes told of a history goes with it, though the stream’s position is in the backup', async () => {
  await using folder = await temporaryFolder()
  const [file, backup] = [folder.file('tasks.db'), folder.file('backup.db')]
  {
    await using stack = await startStack({ path: file })
    for (const id of ['changed', 'deleted']) await stack.tasks.create({ id, title: 'In the backup' })
  }
  const before = await startStack({ path: file })
  using alice = openBrowser(before.url, 'alice.red')
  const shown = alice.client.collection('Task')
  await shown.ready
  alice.client.disconnect()
  await until(shown.status, (status) => status === 'stale')
  await before[Symbol.asyncDispose]()
  await copyFile(file, backup)

  const lost = await startStack({ path: file, port: before.port })
  const transport = httpMutations({ url: `${lost.httpUrl}/api`, getToken: () => 'alice.red' })
  const tasks = createOptimisticManager({ transport }).collection(shown)
  const title = 'After the backup'
  const writes = [
    tasks.create({ id: 'new', title }),
    tasks.update('changed', { title }),
    tasks.delete('deleted'),
  ]
  await Promise.all(writes.map(({ acked }) => acked))
  expect(tasks.rows.value.map((row) => `${row.id}: ${row.title}`)).toEqual([
    `changed: ${title}`,
    `new: ${title}`,
  ])
  await lost[Symbol.asyncDispose]()
  await rm(`${file}-wal`, { force: true })
  await copyFile(backup, file)

  await using _after = await startStack({ path: file, port: before.port })
  alice.client.connect()
  await until(shown.status, (status) => status === 'live')
  const kept = ['changed: In the backup', 'deleted: In the backup']
  expect(shown.rows.value.map((row) => `${row.id}: ${row.title}`)).toEqual(kept)
  expect(tasks.rows.value.map((row) => `${row.id}: ${row.title}`)).toEqual(kept)
  expect(writes.map(({ state }) => state.value)).toEqual(['synced', 'synced', 'synced'])
})

test('who is cut off behind a snapshot that a write has overtaken resumes', async () => {
  await using folder = await temporaryFolder()
  await using stack = await startOvertaken(folder.file('tasks.db'), folder.file('backup.db'))
  using alice = openBrowser(stack.url, 'alice.red')
  const recovered = recoveries(alice.client)
  const shown = alice.client.collection('Task')
  await shown.ready
  expect([titlesOf(shown), shown.position?.offset]).toEqual([['a: before', 'b: after'], 2])
  const rows = shown.rows.value

  alice.cut()
  await until(alice.client.connected, (connected) => !connected)
  await stack.tasks.create({ id: 'c', title: 'while away' })
  await until(shown.rows, ({ length }) => length === 3)
  expect(recovered).toEqual([false, true])
  expect(shown.rows.value.slice(0, 2).map((row, index) => row === rows[index])).toEqual([true, true])
})

test('F20 what such a snapshot showed of a history that is gone goes with it, though its position is in the backup', async () => {
  await using folder = await temporaryFolder()
  const [file, backup] = [folder.file('tasks.db'), folder.file('backup.db')]
  const before = await startOvertaken(file, backup)
  using alice = openBrowser(before.url, 'alice.red')
  const recovered = recoveries(alice.client)
  const shown = alice.client.collection('Task')
  await shown.ready
  expect([titlesOf(shown), shown.position?.offset]).toEqual([['a: before', 'b: after'], 2])
  await before[Symbol.asyncDispose]()
  await rm(`${file}-wal`, { force: true })
  await copyFile(backup, file)

  await using _after = await startStack({ path: file, port: before.port })
  await until(shown.rows, () => titlesOf(shown).join() === 'a: before,b: before')
  expect(recovered).toEqual([false, false])
})

/** Between the two rows of a snapshot a backup is made, then the second row is changed, of which nobody is told. */
async function startOvertaken(file: string, backup: string): ReturnType<typeof startStack> {
  const stack: Awaited<ReturnType<typeof startStack>> = await startStack({
    path: file,
    storeOf: (tasks) =>
      readSlowly(tasks, async () => {
        await stack.relay.stop()
        const copied = new Database(file)
        await copied.backup(backup)
        copied.close()
        await stack.tasks.update('b', { title: 'after' })
      }),
  })
  for (const id of ['a', 'b']) await stack.tasks.create({ id, title: 'before' })
  await stack.relay.flush()
  return stack
}

function titlesOf(shown: {
  readonly rows: { readonly value: readonly { readonly id: string; readonly title: string }[] }
}): string[] {
  return shown.rows.value.map(({ id, title }) => `${id}: ${title}`)
}

/** The `recovered` of each `subscribed`, as it comes. */
function recoveries(client: ReturnType<typeof openBrowser>['client']): unknown[] {
  const seen: unknown[] = []
  client.on('message', (message) => {
    if (message.type === 'subscribed') seen.push(message.payload.recovered)
  })
  return seen
}
