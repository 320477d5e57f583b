// Changes that a server's relay could not read any more, or was not there to hear: whoever listens there is told, and nobody
// goes on with rows that are no longer true.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { defineEntity } from '@dnr/protocol'
import Database from 'better-sqlite3'
import { createRealtimeRepository, openDatabase } from '@dnr/repository'
import { allow, createRealtimeServer, policies } from '@dnr/server'
import { attachWebSockets } from '@dnr/server/ws'
import { expect, test } from 'vitest'
import { openBrowser } from '../src/browser.ts'
import { openPlainClient } from '../src/plain-client.ts'
import { startStack } from '../src/stack.ts'
import { Task } from '../src/task.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'
import { until } from '../src/until.ts'

type Stack = Awaited<ReturnType<typeof startStack>>

/** So slow to look for others' commits that these can write and trim in between. */
const SLOW = { database: { relayPollMs: 300 } }

/** A program that opens the same file and neither serves nor relays. */
async function openScript(
  path: string,
  entity: { readonly name: string; readonly schema: typeof Task.schema },
) {
  const database = openDatabase({ path })
  const rows = createRealtimeRepository({ database, entity: defineEntity(entity.name, entity.schema) })
  await database.migrate([rows])
  return { database, rows, [Symbol.asyncDispose]: () => database.close() }
}

/** As `.backup` and `.restore` of the sqlite3 program do: also over a database that is in use. */
async function copyDatabase(from: string, to: string): Promise<void> {
  const handle = new Database(from)
  await handle.backup(to)
  handle.close()
}

async function write({ tasks }: Pick<Stack, 'tasks'>, ...titles: readonly string[]): Promise<void> {
  for (const title of titles) await tasks.create({ title })
}

test.each([
  ['all that it has', 0],
  ['all but the last change', 1],
])(
  'live clients of one server miss nothing when the other writes and trims %s before that',
  async (_, keep) => {
    await using folder = await temporaryFolder()
    const path = folder.file('tasks.db')
    await using red = await startStack({ path })
    await using blue = await startStack({ path, ...SLOW })
    using bob = openBrowser(blue.url, 'bob.red')
    const tasks = bob.client.collection('Task')
    await tasks.ready
    await write(red, 'A', 'B', 'C')
    await red.relay.flush()
    await red.database.changeLog.trim({ keep })
    // Nobody writes any more: the rows come all the same.
    await until(tasks.rows, ({ length }) => length === 3)
    await write(red, 'D')
    await until(tasks.rows, ({ length }) => length === 4)
    expect(tasks.status.value).toBe('live')
  },
)

test('the same when a program without a server trims, and with a row that was deleted, trimmed and made again', async () => {
  await using folder = await temporaryFolder()
  const path = folder.file('tasks.db')
  await using blue = await startStack({ path, ...SLOW })
  const { id } = await blue.tasks.create({ title: 'Old' })
  for (const title of ['Older', 'Oldest']) await blue.tasks.update(id, { title })
  await blue.relay.flush()
  using bob = openBrowser(blue.url, 'bob.red')
  const tasks = bob.client.collection('Task')
  await until(tasks.rows, ({ length }) => length === 1)

  await using script = await openScript(path, Task)
  await script.rows.delete(id)
  await script.database.changeLog.trim({ keep: 0 })
  // Its versions begin anew.
  await script.rows.create({ id, title: 'New' })
  await until(tasks.rows, ([row]) => row?.title === 'New')
})

test('a backup that is put back under running servers: nobody keeps what it took back, and everybody hears what follows', async () => {
  await using folder = await temporaryFolder()
  const [path, copy] = [folder.file('tasks.db'), folder.file('backup.db')]
  await using red = await startStack({ path })
  await using blue = await startStack({ path })
  await write(red, 'A')
  await copyDatabase(path, copy)
  using ann = openBrowser(red.url, 'ann.red')
  using bob = openBrowser(blue.url, 'bob.red')
  const [hers, his] = [ann.client.collection('Task'), bob.client.collection('Task')]
  await write(red, 'B', 'C', 'D')
  for (const { rows } of [hers, his]) await until(rows, ({ length }) => length === 4)
  // What a relay has not heard of yet it cannot miss.
  for (const { relay } of [red, blue]) await relay.flush()
  await copyDatabase(copy, path)
  for (const { rows } of [hers, his])
    await until(rows, ([row, ...others]) => row?.title === 'A' && others.length === 0)
  await write(blue, 'E')
  for (const { rows } of [hers, his]) await until(rows, ({ length }) => length === 2)
  await red.relay.flush()
  for (const { realtime } of [red, blue]) expect(realtime.stats().position?.offset).toBe(2)
})

test('a backup that lacks what a client was shown, and the relay of its server had not read: the client is not left with it', async () => {
  await using folder = await temporaryFolder()
  const [path, copy] = [folder.file('tasks.db'), folder.file('backup.db')]
  await using blue = await startStack({ path, database: { relayPollMs: 1_500 } })
  await write(blue, 'A')
  await blue.relay.flush()
  await copyDatabase(path, copy)
  const script = await openScript(path, Task)
  await script.rows.create({ title: 'B' })
  await script[Symbol.asyncDispose]()
  using bob = openBrowser(blue.url, 'bob.red')
  const tasks = bob.client.collection('Task')
  await until(tasks.rows, ({ length }) => length === 2)
  await copyDatabase(copy, path)
  await until(tasks.rows, ([row, ...others]) => row?.title === 'A' && others.length === 0)
  await write(blue, 'C')
  await until(tasks.rows, ({ length }) => length === 2)
})

test('what a client is told to have been sent never passes what it has not', async () => {
  await using folder = await temporaryFolder()
  const path = folder.file('tasks.db')
  await using red = await startStack({ path })
  await using blue = await startStack({ path, ...SLOW })
  using client = await openPlainClient(`${blue.url}?token=bob.red`)
  await client.next()
  client.send({ type: 'subscribe', channel: 'entity:Task', requestId: 's' })
  const { payload } = (await client.next()) as { payload: { position: object } }
  await write(red, 'A', 'B')
  await red.database.changeLog.trim({ keep: 0 })
  client.send({ type: 'ping', requestId: 'before' })
  expect(await client.next()).toMatchObject({ type: 'pong', position: payload.position })

  expect(await client.next()).toMatchObject({ type: 'unsubscribed', channel: 'entity:Task' })
  client.send({ type: 'ping', requestId: 'after' })
  expect(await client.next()).not.toHaveProperty('position')
  client.send({ type: 'subscribe', channel: 'entity:Task', requestId: 't', payload })
  expect(await client.next()).toMatchObject({ type: 'subscribed', payload: { recovered: false } })
})

test('who hears an entity that was not written resumes, whatever else was trimmed', async () => {
  await using folder = await temporaryFolder()
  const path = folder.file('tasks.db')
  await using blue = await startStack({ path, ...SLOW })
  using client = await openPlainClient(`${blue.url}?token=bob.red`)
  await client.next()
  client.send({ type: 'subscribe', channel: 'entity:Task', requestId: 's' })
  const { payload } = (await client.next()) as { payload: { position: object } }
  await using script = await openScript(path, { name: 'Note', schema: Task.schema })
  await script.rows.create({ title: 'x' })
  await script.database.changeLog.trim({ keep: 0 })
  expect(await client.next()).toMatchObject({ type: 'unsubscribed' })
  client.send({ type: 'subscribe', channel: 'entity:Task', requestId: 't', payload })
  expect(await client.next()).toMatchObject({ type: 'subscribed', payload: { recovered: true } })
})

test('flush() of a relay ends though another process has trimmed what it waited for', async () => {
  await using folder = await temporaryFolder()
  const path = folder.file('tasks.db')
  await using red = await startStack({ path })
  await using blue = await startStack({ path, ...SLOW })
  await blue.relay.flush()
  await write(red, 'A')
  await red.database.changeLog.trim({ keep: 0 })
  await blue.relay.flush()
  expect(blue.realtime.stats().position?.offset).toBe(1)
})

test('a change between the making of a server and the start of its relay is missed by nobody', async () => {
  await using folder = await temporaryFolder()
  const database = openDatabase({ path: folder.file('tasks.db') })
  await using cleanup = new AsyncDisposableStack()
  cleanup.defer(() => database.close())
  const tasks = createRealtimeRepository({ database, entity: Task })
  await database.migrate([tasks])
  const realtime = createRealtimeServer({
    repositories: [tasks],
    history: database.changeLog,
    authenticate: ({ token }) => (token === null ? null : { id: token }),
    policies: policies(allow(Task, () => true)),
  })
  cleanup.defer(() => realtime.close())
  const http = cleanup.adopt(createServer(), (server) => server.closeAllConnections())
  cleanup.defer(() => void http.close())
  attachWebSockets(realtime, http, { path: '/ws' })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  using bob = openBrowser(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/ws`, 'bob')
  const shown = bob.client.collection('Task')
  await shown.ready
  await tasks.create({ title: 'made while starting' })

  const relay = database.startRelay(realtime.eventBus)
  await until(shown.rows, ({ length }) => length === 1)
  await relay.stop()
  await tasks.create({ title: 'made while no relay ran' })
  database.startRelay(realtime.eventBus)
  await until(shown.rows, ({ length }) => length === 2)
  await tasks.create({ title: 'live' })
  await until(shown.rows, ({ length }) => length === 3)
})
