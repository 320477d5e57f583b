import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DnrError } from '@dnr/protocol'
import Database from 'better-sqlite3'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { createRealtimeRepository, openDatabase } from '../../src/index.ts'
import { checkRuntime } from '../../src/database/load-driver.ts'
import { codeOf, openTasks, Task, temporaryFile } from '../support/database.ts'

test('a Node too old for the driver is told so before the driver is loaded', () => {
  for (const version of ['20.20.2', '22.11.0', '18.0.0']) {
    expect(() => checkRuntime(version)).toThrow(
      expect.objectContaining({ code: 'unsupported_runtime', message: expect.stringContaining(version) }),
    )
  }
  for (const version of ['22.12.0', '24.1.0', '26.10.0']) expect(() => checkRuntime(version)).not.toThrow()
})

test('FULL, WAL and foreign keys are set at every open, also where SQLite would have forgotten them', async () => {
  using file = temporaryFile()
  for (let run = 0; run < 2; run++) {
    const handle = new Database(file.path)
    // What the driver makes of a file that is in WAL mode already: NORMAL.
    if (run > 0) expect(handle.pragma('synchronous', { simple: true })).toBe(1)
    const database = openDatabase({ handle })
    expect(handle.pragma('journal_mode', { simple: true })).toBe('wal')
    expect(handle.pragma('synchronous', { simple: true })).toBe(2)
    expect(handle.pragma('foreign_keys', { simple: true })).toBe(1)
    expect(handle.pragma('busy_timeout', { simple: true })).toBeLessThanOrEqual(100)
    await database.close()
    expect(handle.open).toBe(true)
    handle.close()
  }
})

test('a setting that the database does not take is an error, not a surprise', () => {
  const inner = new Database(':memory:')
  const deaf = {
    prepare: (text: string) => inner.prepare(text),
    exec: (text: string) => (text.includes('synchronous') ? inner : inner.exec(text)),
    close: () => inner.close(),
  }
  inner.pragma('synchronous = OFF')
  expect(() => openDatabase({ handle: deaf })).toThrow(
    expect.objectContaining({ code: 'storage_failed', message: expect.stringContaining('synchronous') }),
  )
  inner.close()
})

test('a database whose text is not UTF-8 is refused: its order would be another', () => {
  const handle = new Database(':memory:')
  handle.pragma("encoding = 'UTF-16le'")
  handle.exec('CREATE TABLE t (a)')
  expect(() => openDatabase({ handle })).toThrow(/encoding/)
  handle.close()
})

test('a file that cannot be opened is named', () => {
  using file = temporaryFile()
  const path = join(file.directory, 'absent', 'x.db')
  expect(() => openDatabase({ path })).toThrow(
    expect.objectContaining({ code: 'storage_failed', message: expect.stringContaining(path) }),
  )
})

test.each([
  { path: '' },
  {},
  { path: ':memory:', busyTimeoutMs: -1 },
  { path: ':memory:', relayPollMs: Number.NaN },
  { path: ':memory:', synchronous: 'off' },
])('the options %j are refused', (options) => {
  expect(() => openDatabase(options as never)).toThrow(expect.objectContaining({ code: 'bad_option' }))
})

test('a repository needs a database of ours and a sensible table', async () => {
  await using open = await openTasks()
  expect(() => createRealtimeRepository({ database: {} as never, entity: Task })).toThrow(DnrError)
  for (const table of ['dnr_change_log', 'a-b', '', 'sqlite_master']) {
    expect(() => createRealtimeRepository({ database: open.database, entity: Task, table })).toThrow(
      /table is/,
    )
  }
  await using other = await openTasks()
  expect(await codeOf(other.database.migrate([open.tasks]))).toBe('bad_option')
})

test('without migrate the error says so', async () => {
  const database = openDatabase({ path: ':memory:' })
  const tasks = createRealtimeRepository({ database, entity: Task })
  await expect(tasks.create({ title: 'x' })).rejects.toMatchObject({
    code: 'storage_failed',
    message: expect.stringContaining('migrate'),
  })
  await expect(tasks.find()).rejects.toMatchObject({ message: expect.stringContaining('migrate') })
  expect(await database.health()).toMatchObject({ ok: false, error: { code: 'storage_failed' } })
  await database.close()
})

test('close finishes what was accepted, refuses what comes after, and may be repeated', async () => {
  using file = temporaryFile()
  const open = await openTasks({ path: file.path })
  const accepted = open.tasks.create({ title: 'x' })
  const closing = open.database.close()
  expect(await codeOf(open.tasks.create({ title: 'y' }))).toBe('closed')
  await closing
  await open.database.close()
  expect(await accepted).toMatchObject({ version: 1 })
  for (const call of [
    open.tasks.find(),
    open.tasks.get('x'),
    open.database.changeLog.head(),
    open.database.transaction(async () => {}),
  ]) {
    expect(await codeOf(call)).toBe('closed')
  }
  expect(await codeOf(open.database.kysely.selectFrom('Task').selectAll().execute())).toBe('closed')
  expect(await open.database.health()).toMatchObject({ ok: false, error: { code: 'closed' } })
  expect(() => readFileSync(`${file.path}-wal`)).toThrow('ENOENT')
})

test('close lets relays deliver what was accepted', async () => {
  const open = await openTasks()
  const seen: string[] = []
  open.database.startRelay({ publish: (changes) => void seen.push(...changes.map(({ id }) => id)) })
  const ids = Array.from({ length: 250 }, (_, index) => `t${index}`)
  for (const id of ids) void open.tasks.create({ id, title: 'x' })
  await open.database.close()
  expect(seen).toEqual(ids)
})

test('close stops the relays, also one whose sink keeps failing', async () => {
  const open = await openTasks()
  const relay = open.database.startRelay({ publish: () => Promise.reject(new Error('never')) })
  await open.tasks.create({ title: 'x' })
  await open.database.close()
  expect(await codeOf(relay.flush())).toBe('closed')
})

test('health tells position and queue', async () => {
  await using open = await openTasks()
  const written = open.tasks.create({ title: 'x' })
  expect(await open.database.health()).toMatchObject({
    ok: true,
    error: null,
    position: { offset: 0 },
    queuedWrites: 1,
  })
  await written
  expect(await open.database.health()).toMatchObject({ position: { offset: 1 }, queuedWrites: 0 })
})

test.each(['file', 'memory'])('Kysely reads and refuses to write (%s)', async (kind) => {
  using file = temporaryFile()
  await using open = await openTasks(kind === 'file' ? { path: file.path } : {})
  const { kysely } = open.database
  await open.tasks.create({ title: 'x', rank: 4 })
  expect(await kysely.selectFrom('Task').select('title').where('rank', '>', 3).execute()).toEqual([
    { title: 'x' },
  ])
  const streamed = []
  for await (const row of kysely.selectFrom('Task').select('rank').stream()) streamed.push(row)
  expect(streamed).toEqual([{ rank: 4 }])
  expect(await codeOf(kysely.deleteFrom('Task').execute())).toBe('bad_option')
  expect(await codeOf(sql`DROP TABLE Task`.execute(kysely))).toBe('bad_option')
  expect(
    await codeOf(kysely.transaction().execute((trx) => trx.selectFrom('Task').selectAll().execute())),
  ).toBe(kind === 'file' ? 'resolved' : 'bad_option')
  expect((await open.tasks.find()).rows).toHaveLength(1)
})

test('a user’s long read in Kysely holds up nobody', async () => {
  using file = temporaryFile()
  await using open = await openTasks({ path: file.path })
  await open.tasks.create({ title: 'x' })
  await open.database.kysely.transaction().execute(async (trx) => {
    expect(await trx.selectFrom('Task').selectAll().execute()).toHaveLength(1)
    await open.tasks.create({ title: 'y' })
    expect((await open.tasks.find()).rows).toHaveLength(2)
    expect(await trx.selectFrom('Task').selectAll().execute()).toHaveLength(1)
  })
})

test('a second handle makes reads independent of open transactions', async () => {
  using file = temporaryFile()
  const handle = new Database(file.path)
  const database = openDatabase({ handle })
  const tasks = createRealtimeRepository({ database, entity: Task })
  await database.migrate([tasks])
  await database.close()

  const readerHandle = new Database(file.path)
  const again = openDatabase({ handle, readerHandle })
  const same = createRealtimeRepository({ database: again, entity: Task })
  await again.transaction(async (tx) => {
    await same.within(tx).create({ title: 'x' })
    expect((await same.find()).rows).toEqual([])
  })
  expect((await same.find()).rows).toHaveLength(1)
  await again.close()
  readerHandle.close()
  handle.close()
})
