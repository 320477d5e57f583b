import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { createRealtimeRepository, openDatabase } from '../../src/index.ts'
import { codeOf, Task, temporaryFile } from '../support/database.ts'
import { makeTables1 } from '../support/tables-1.ts'

const alice = { id: 'alice' }
const EPOCH = 'first'
/** What a trim of version 1 left when nothing was to stay. */
const TRIMMED = `DELETE FROM dnr_change_log; UPDATE dnr_meta SET value = 6 WHERE name = 'floor';
  UPDATE dnr_entity_heads SET last_offset = 6`

async function openUpgraded(more = '') {
  const file = temporaryFile()
  makeTables1(file.path, more)
  const database = openDatabase({ path: file.path })
  const tasks = createRealtimeRepository({ database, entity: Task, captureTable: true })
  await database.migrate([tasks])
  const read = (offset: number) =>
    database.changeLog.read({ after: { epoch: EPOCH, offset }, entity: 'Task', limit: 100 })
  return {
    path: file.path,
    database,
    tasks,
    read,
    async [Symbol.asyncDispose]() {
      await database.close()
      file[Symbol.dispose]()
    },
  }
}

test('tables of version 1 are taken over: the log, its floor, the answers, the versions of what was deleted', async () => {
  await using open = await openUpgraded()
  const { database, tasks, read } = open
  expect((await database.changeLog.head()).offset).toBe(6)
  expect(await read(1)).toMatchObject({ holds: false, reason: 'trimmed' })
  const page = await read(2)
  expect(page).toMatchObject({
    holds: true,
    changes: [
      { id: 'c', operation: 'created', position: { epoch: EPOCH, offset: 3 } },
      { id: 'c', operation: 'deleted' },
      { id: 'a', after: { title: 'y', version: 2 }, transaction: 5, last: false },
      { id: 'b', after: { title: 'y', version: 2 }, transaction: 5, last: true },
    ],
  })
  const again = await tasks.mutate(
    { operation: 'create', fields: { id: 'a', title: 'x' } },
    { principal: alice, mutationId: 'create-a' },
  )
  expect(again).toMatchObject({ replayed: true, row: { title: 'x' }, position: { epoch: EPOCH, offset: 1 } })
  expect(await tasks.mutate({ operation: 'create', fields: { id: 'c', title: 'z' } })).toMatchObject({
    version: 3,
    position: { offset: 7 },
  })
  expect(await database.verify([tasks])).toMatchObject({ ok: true })
})

test('tables of version 1 become what a new database has', async () => {
  await using open = await openUpgraded()
  const fresh = new Database(':memory:')
  const database = openDatabase({ handle: fresh })
  await database.migrate([createRealtimeRepository({ database, entity: Task, captureTable: true })])
  const schemaOf = (handle: Database.Database) =>
    handle.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name').all()
  const upgraded = new Database(open.path)
  expect(schemaOf(upgraded)).toEqual(schemaOf(fresh))
  for (const handle of [upgraded, fresh]) {
    expect(handle.prepare("SELECT value FROM dnr_meta WHERE name = 'schema'").pluck().get()).toBe(2)
    handle.close()
  }
})

test.each(['a write of a repository', 'plain SQL'])(
  'offsets go on where a log of version 1 ended that was trimmed to nothing: %s',
  async (writer) => {
    await using open = await openUpgraded(TRIMMED)
    const { database, tasks, read, path } = open
    expect((await database.changeLog.head()).offset).toBe(6)
    expect(await read(6)).toMatchObject({ holds: true, changes: [] })
    expect(await read(5)).toMatchObject({ holds: false, reason: 'trimmed' })
    if (writer === 'plain SQL') {
      const other = new Database(path)
      other.exec("UPDATE Task SET title = 'z'")
      other.close()
    } else await tasks.updateMany({ where: {} }, { title: 'z' })
    expect(await read(6)).toMatchObject({
      holds: true,
      changes: [
        { id: 'a', version: 3, transaction: 7, position: { offset: 7 } },
        { id: 'b', version: 3, transaction: 7, position: { offset: 8 } },
      ],
    })
  },
)

test('a captured table whose repository is not given keeps the database as it was', async () => {
  using file = temporaryFile()
  makeTables1(file.path)
  const database = openDatabase({ path: file.path })
  expect(await codeOf(database.migrate([]))).toBe('bad_option')
  await database.migrate([createRealtimeRepository({ database, entity: Task, captureTable: true })])
  await database.migrate([])
  expect((await database.changeLog.head()).offset).toBe(6)
  await database.close()
})

test('a captured table that has been dropped since is forgotten', async () => {
  using file = temporaryFile()
  makeTables1(file.path, 'DROP TABLE Task')
  const database = openDatabase({ path: file.path })
  await database.migrate([])
  expect((await database.changeLog.head()).offset).toBe(6)
  await database.close()
  const other = new Database(file.path)
  expect(other.prepare("SELECT name FROM sqlite_schema WHERE name LIKE 'dnr_images_%'").all()).toEqual([])
  expect(other.prepare('SELECT * FROM dnr_captured_tables').all()).toEqual([])
  other.close()
})

// As version 1 asked it, first of all in every write transaction and for every position that it told.
const HEAD_1 = `select (select "epoch" from "dnr_epochs" order by "number" desc limit 1) as "epoch",
  coalesce((select seq from sqlite_sequence where name = 'dnr_change_log'), 0) as "offset"`

test('a process of version 1 that still has the file open does not write into a log that was taken over', async () => {
  using file = temporaryFile()
  makeTables1(file.path)
  const older = new Database(file.path)
  const head = older.prepare(HEAD_1)
  expect(head.get()).toEqual({ epoch: EPOCH, offset: 6 })
  const database = openDatabase({ path: file.path })
  await database.migrate([createRealtimeRepository({ database, entity: Task, captureTable: true })])
  expect(() => head.get()).toThrow('no such table: dnr_epochs')
  older.close()
  await database.close()
})

test('before the tables of version 1 are taken over, a write and a read say what is to be done', async () => {
  using file = temporaryFile()
  makeTables1(file.path)
  const database = openDatabase({ path: file.path })
  const tasks = createRealtimeRepository({ database, entity: Task, captureTable: true })
  const refusal = { code: 'storage_failed', message: expect.stringContaining('database.migrate') }
  await expect(tasks.mutate({ operation: 'delete', id: 'a' })).rejects.toMatchObject(refusal)
  await expect(database.changeLog.head()).rejects.toMatchObject(refusal)
  await database.close()
})

test("users' views over the log and triggers on it work on after version 1", async () => {
  await using open = await openUpgraded(`CREATE TABLE seen (id TEXT);
    CREATE VIEW audit AS SELECT "offset", row_id FROM dnr_change_log;
    CREATE TRIGGER log_seen AFTER INSERT ON dnr_change_log BEGIN INSERT INTO seen VALUES (NEW.row_id); END;
    CREATE TRIGGER seen_twice BEFORE INSERT ON seen WHEN (SELECT count(*) FROM dnr_change_log) = 0 BEGIN SELECT 1; END;`)
  await open.tasks.mutate({ operation: 'create', fields: { id: 'd', title: 'd' } })
  const other = new Database(open.path)
  expect(other.prepare('SELECT * FROM audit ORDER BY 1 DESC LIMIT 1').get()).toEqual({
    offset: 7,
    row_id: 'd',
  })
  expect(other.prepare('SELECT id FROM seen').pluck().all()).toEqual(['d'])
  other.close()
})
