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
