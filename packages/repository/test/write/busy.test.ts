import { createManualClock } from '@dnr/testing'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { createRealtimeRepository, openDatabase, type SqliteHandle } from '../../src/index.ts'
import { codeOf, openTasks, Task, temporaryFile } from '../support/database.ts'
import { openOther } from '../support/other-handle.ts'

test('F14 while another process holds the lock, writes wait without blocking, and reads go on', async () => {
  using file = temporaryFile()
  const clock = createManualClock()
  await using open = await openTasks({ path: file.path, clock, random: () => 0.5 })
  await open.tasks.create({ id: 'before', title: 'x' })
  using other = openOther(file.path)
  other.exec('BEGIN IMMEDIATE')

  const written = open.tasks.create({ id: 'waiting', title: 'x' })
  await clock.advance(1_000)
  expect((await open.tasks.find()).rows).toHaveLength(1)
  other.exec('COMMIT')
  await clock.advance(1_000)
  expect(await written).toMatchObject({ id: 'waiting', version: 1 })
})

test('F14 a write that waited long enough is refused with busy, and says when to come back', async () => {
  using file = temporaryFile()
  const clock = createManualClock()
  await using open = await openTasks({ path: file.path, clock, busyTimeoutMs: 500, random: () => 0.5 })
  using other = openOther(file.path)
  other.exec('BEGIN IMMEDIATE')
  const refused = open.tasks.create({ title: 'x' }).catch((error: unknown) => error)
  const alsoRefused = codeOf(open.database.transaction(async () => {}))
  await clock.advance(2_000)
  expect(await refused).toMatchObject({ code: 'busy', retryable: true, retryAfterMs: expect.any(Number) })
  expect(await alsoRefused).toBe('busy')
  other.exec('COMMIT')
  expect(await open.tasks.create({ title: 'x' })).toMatchObject({ version: 1 })
})

test('F14 waiting for a lock takes a few milliseconds of the event loop at a time, and ever less of it', async () => {
  using file = temporaryFile()
  const clock = createManualClock()
  const inner = new Database(file.path)
  const attempts: { readonly at: number; readonly blockedMs: number }[] = []
  const handle: SqliteHandle = {
    prepare(sql) {
      const statement = inner.prepare(sql)
      if (sql !== 'BEGIN IMMEDIATE') return statement
      return {
        get: () => undefined,
        all: () => [],
        run() {
          const began = performance.now()
          try {
            return statement.run()
          } finally {
            attempts.push({ at: clock.monotonic(), blockedMs: performance.now() - began })
          }
        },
      }
    },
    exec: (sql) => inner.exec(sql),
    close: () => inner.close(),
    get inTransaction() {
      return inner.inTransaction
    },
  }
  const database = openDatabase({ handle, clock, busyTimeoutMs: 10_000, random: () => 0.5 })
  const tasks = createRealtimeRepository({ database, entity: Task })
  await database.migrate([tasks])
  using other = openOther(file.path)
  other.exec('BEGIN IMMEDIATE')
  attempts.length = 0
  const refused = codeOf(tasks.create({ title: 'x' }))
  // The first attempt has a turn of the event loop of its own.
  await new Promise((resolve) => void setImmediate(resolve))
  await clock.advance(11_000)
  expect(await refused).toBe('busy')

  const blocked = attempts.map(({ blockedMs }) => blockedMs).sort((a, b) => a - b)
  // A busy machine stretches them; what was asked of SQLite shows in the shortest.
  expect(blocked[0]).toBeLessThan(8)
  expect(blocked[Math.floor(blocked.length / 2)]).toBeLessThan(50)
  const pauses = attempts.slice(1).map(({ at }, index) => at - (attempts[index]?.at ?? 0))
  expect(pauses.slice(0, 5)).toEqual([2, 5, 10, 20, 40])
  expect(pauses.slice(5).every((pause) => pause === 50)).toBe(true)
  other.exec('COMMIT')
  await database.close()
  inner.close()
})

test('nothing is written inside a transaction that somebody else opened on the handle', async () => {
  using file = temporaryFile()
  const clock = createManualClock()
  const handle = new Database(file.path)
  const database = openDatabase({ handle, clock, busyTimeoutMs: 500, random: () => 0.5 })
  const tasks = createRealtimeRepository({ database, entity: Task })
  await database.migrate([tasks])

  handle.exec('BEGIN')
  handle.exec("INSERT INTO Task (id, title) VALUES ('rolled back', 'x')")
  const refused = codeOf(tasks.create({ title: 'x' }))
  const waiting = tasks.find()
  await clock.advance(400)
  handle.exec('ROLLBACK')
  await clock.advance(100)
  expect(await refused).toBe('resolved')
  expect((await waiting).rows.map(({ id }) => id)).not.toContain('rolled back')

  handle.exec('BEGIN')
  const late = codeOf(tasks.create({ title: 'y' }))
  await clock.advance(2_000)
  expect(await late).toBe('busy')
  handle.exec('ROLLBACK')
  expect((await tasks.find()).rows).toHaveLength(1)
  await database.close()
  handle.close()
})

test('F16 a full disk is named, nothing is half written, reads go on, and it heals', async () => {
  using file = temporaryFile()
  const handle = new Database(file.path)
  const database = openDatabase({ handle })
  const tasks = createRealtimeRepository({ database, entity: Task })
  await database.migrate([tasks])
  await tasks.create({ id: 'before', title: 'x' })
  const published: string[] = []
  const relay = database.startRelay({
    publish: (changes) => void published.push(...changes.map(({ id }) => id)),
  })
  const pages = handle.pragma('page_count', { simple: true }) as number
  handle.pragma(`max_page_count = ${pages}`)

  const large = 'x'.repeat(200)
  const codes = await Promise.all(
    Array.from({ length: 150 }, (_, index) => codeOf(tasks.create({ id: `t${index}`, title: large }))),
  )
  expect(new Set(codes)).toContain('storage_full')
  const rows = (await tasks.snapshot()).rows.filter(({ id }) => id.startsWith('t'))
  expect(rows).toHaveLength(codes.filter((code) => code === 'resolved').length)
  await expect(tasks.create({ title: large })).rejects.toMatchObject({
    retryable: true,
    retryAfterMs: expect.any(Number),
  })

  handle.pragma('max_page_count = 1000000')
  const healed = await tasks.create({ id: 'healed', title: large })
  await relay.flush()
  expect([...published].sort()).toEqual([...rows.map(({ id }) => id), healed.id].sort())
  await database.close()
  handle.close()
})

test('F17 a file that may only be read refuses writes and goes on reading', async () => {
  using file = temporaryFile()
  const handle = new Database(file.path)
  const database = openDatabase({ handle })
  const tasks = createRealtimeRepository({ database, entity: Task })
  await database.migrate([tasks])
  await tasks.create({ title: 'x' })
  handle.pragma('query_only = ON')
  expect(await codeOf(tasks.create({ title: 'y' }))).toBe('storage_failed')
  expect((await tasks.find()).rows).toHaveLength(1)
  await database.close()
  handle.close()
})
