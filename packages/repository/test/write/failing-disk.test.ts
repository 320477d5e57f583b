import { createManualClock } from '@dnr/testing'
import { expect, test } from 'vitest'
import { createRealtimeRepository, openDatabase } from '../../src/index.ts'
import { codeOf, Task, temporaryFile } from '../support/database.ts'
import { type FailingDisk, openFailingHandle, startFailingDisk } from '../support/failing-handle.ts'

/** By path the writer remembers where the log ends; with a handle that is the user's, it asks. */
type By = 'path' | 'handle'

async function openOnFailingDisk(path: string, by: By = 'handle') {
  const disk: FailingDisk = by === 'path' ? startFailingDisk() : openFailingHandle(path)
  const clock = createManualClock()
  const logged: string[] = []
  const log = (message: string): void => void logged.push(message)
  const database = openDatabase({
    ...(disk.handle === undefined ? { path } : { handle: disk.handle }),
    clock,
    logger: { error: log, info: log, debug: () => {} },
  })
  const tasks = createRealtimeRepository({ database, entity: Task })
  await database.migrate([tasks])
  const published: string[] = []
  const relay = database.startRelay({
    publish: (changes) => void published.push(...changes.map(({ id }) => id)),
  })
  await relay.flush()
  return {
    disk,
    database,
    tasks,
    clock,
    logged,
    published,
    relay,
    async [Symbol.asyncDispose]() {
      await database.close()
      disk[Symbol.dispose]()
    },
  }
}

test.each([
  ['SQLITE_IOERR_WRITE', /INSERT INTO "?Task/i],
  ['SQLITE_IOERR_FSYNC', /^COMMIT/],
  ['SQLITE_IOERR_READ', /from "?Task/i],
  ['SQLITE_READONLY', /^BEGIN IMMEDIATE/],
  ['SQLITE_READONLY_DBMOVED', /insert into "dnr_change_log"/],
  ['SQLITE_CANTOPEN', /^BEGIN IMMEDIATE/],
])(
  'F17 %s at %s: the write is refused and may be retried, health is red, and all heals',
  async (code, statement) => {
    using file = temporaryFile()
    await using open = await openOnFailingDisk(file.path)
    await open.tasks.create({ id: 'before', title: 'x' })
    open.disk.fault = { statement, code }
    const writes = [
      open.tasks.create({ id: 'a', title: 'x' }, { mutationId: 'a' }),
      open.tasks.update('before', { title: 'y' }),
    ]
    const errors = (await Promise.allSettled(writes)).flatMap((each) =>
      each.status === 'rejected' ? [each.reason as unknown] : [],
    )
    expect(errors.length).toBeGreaterThan(0)
    for (const error of errors)
      expect(error).toMatchObject({ code: 'storage_failed', retryable: true, retryAfterMs: 5_000 })

    open.disk.fault = { statement: /^BEGIN IMMEDIATE/, code }
    expect(await codeOf(open.tasks.create({ id: 'b', title: 'x' }))).toBe('storage_failed')
    expect(await open.database.health()).toMatchObject({ ok: false, error: { code: 'storage_failed' } })
    expect(await open.tasks.get('before')).not.toBeNull()
    expect(open.logged.at(-1)).toContain('trouble')

    open.disk.fault = null
    expect(await open.database.health()).toMatchObject({ ok: true, error: null })
    expect(open.logged.at(-1)).toContain('again')
    for (const [index, line] of open.logged.entries()) expect(line).not.toBe(open.logged[index - 1])
    await open.tasks.create({ id: 'a', title: 'x' }, { mutationId: 'a' })
    await open.relay.flush()
    expect(open.published.filter((id) => id === 'a')).toHaveLength(1)
    expect(open.published).not.toContain('b')
  },
)

test('F17 the first write that works ends the trouble, whether or not anybody asks', async () => {
  using file = temporaryFile()
  await using open = await openOnFailingDisk(file.path)
  open.disk.fault = { statement: /^BEGIN IMMEDIATE/, code: 'SQLITE_IOERR_WRITE' }
  expect(await codeOf(open.tasks.create({ title: 'x' }))).toBe('storage_failed')
  open.disk.fault = null
  await open.tasks.create({ title: 'x' })
  expect(open.logged).toEqual([expect.stringContaining('trouble'), expect.stringContaining('again')])
})

test.each<By>(['path', 'handle'])(
  'a COMMIT that failed but took effect is delivered, the same mutation id tells that it did, and the next write follows it (%s)',
  async (by) => {
    using file = temporaryFile()
    await using open = await openOnFailingDisk(file.path, by)
    await open.tasks.create({ title: 'before' })
    await open.relay.flush()
    const create = () =>
      open.tasks.mutate({ operation: 'create', fields: { title: 'x' } }, { mutationId: 'unknown' })
    open.disk.fault = { statement: /^COMMIT/, code: 'SQLITE_IOERR_FSYNC', tookEffect: true }
    expect(await codeOf(create())).toBe('storage_failed')
    open.disk.fault = null
    await open.clock.advance(1_100)
    expect(open.published).toHaveLength(2)
    expect(await create()).toMatchObject({ replayed: true, position: { offset: 2 } })
    expect(open.published).toHaveLength(2)
    const { position } = await open.tasks.mutate({ operation: 'create', fields: { title: 'after' } })
    expect(position.offset).toBe(3)
  },
)

test('F17 an epoch whose COMMIT failed but took effect is not begun twice', async () => {
  using file = temporaryFile()
  await using other = await openOnFailingDisk(file.path)
  using disk = openFailingHandle(file.path)
  const database = openDatabase({ handle: disk.handle })
  const tasks = createRealtimeRepository({ database, entity: Task })
  disk.fault = { statement: /^COMMIT/, code: 'SQLITE_IOERR_FSYNC', tookEffect: true }
  expect(await codeOf(tasks.create({ title: 'x' }))).toBe('storage_failed')
  disk.fault = null
  const another = openDatabase({ path: file.path })
  await another.migrate()
  const { position } = await tasks.mutate({ operation: 'create', fields: { title: 'x' } })
  expect(position).toEqual(await other.database.changeLog.head())
  await another.close()
  await database.close()
})

test('work that fails for its own reasons says nothing about the disk', async () => {
  using file = temporaryFile()
  await using open = await openOnFailingDisk(file.path)
  await codeOf(open.tasks.create({ title: '' }))
  await codeOf(open.tasks.update('absent', { title: 'x' }))
  await codeOf(
    open.database.transaction(async () => {
      throw new Error('not about the disk')
    }),
  )
  expect(await open.database.health()).toMatchObject({ ok: true })
})
