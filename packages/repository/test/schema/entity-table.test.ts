import Database from 'better-sqlite3'
import { defineEntity } from '@dnr/protocol'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createRealtimeRepository, openDatabase } from '../../src/index.ts'
import { codeOf, openTasks, Task, temporaryFile } from '../support/database.ts'

async function migrateOver(ddl: string, entity: typeof Task | ReturnType<typeof defineEntity> = Task) {
  const handle = new Database(':memory:')
  handle.exec(ddl)
  const database = openDatabase({ handle })
  const rows = createRealtimeRepository({ database, entity })
  try {
    await database.migrate([rows])
    return 'taken'
  } catch (error) {
    return error as Error
  } finally {
    await database.close()
    handle.close()
  }
}

test('migrating again changes nothing, and keeps the rows', async () => {
  using file = temporaryFile()
  for (let run = 1; run <= 3; run++) {
    await using open = await openTasks({ path: file.path })
    await open.database.migrate([open.tasks])
    await open.tasks.create({ title: 'x' })
    expect((await open.tasks.find()).rows).toHaveLength(run)
  }
})

test('a table of the user’s own is used as it is', async () => {
  const ddl = `CREATE TABLE Task (key INTEGER PRIMARY KEY, id VARCHAR(50) NOT NULL UNIQUE, title VARCHAR, status CHAR, assignee, rank INTEGER,
    done BOOLEAN, version INT, secret TEXT DEFAULT 's')`
  expect(await migrateOver(ddl)).toBe('taken')
})

test('columns that are missing are named, with the SQL that adds them', async () => {
  const error = await migrateOver(
    'CREATE TABLE Task (id TEXT PRIMARY KEY, title TEXT, status TEXT, assignee TEXT)',
  )
  expect(error).toMatchObject({
    code: 'bad_entity',
    message: expect.stringContaining('lacks rank, done, version'),
  })
  const sql = /Add what is missing: (.*)$/.exec((error as Error).message)?.[1]
  expect(
    await migrateOver(
      `CREATE TABLE Task (id TEXT PRIMARY KEY, title TEXT, status TEXT, assignee TEXT); ${sql}`,
    ),
  ).toBe('taken')
})

test.each([
  ['id TEXT', 'title TEXT', /id is not unique/],
  ['id TEXT PRIMARY KEY', 'title INTEGER', /title is declared INTEGER/],
  ['id TEXT PRIMARY KEY', 'title NUMERIC', /title is declared NUMERIC/],
])('a table with %s and %s is refused, since it would change values', async (id, title, message) => {
  expect(
    await migrateOver(
      `CREATE TABLE Task (${id}, ${title}, status TEXT, assignee TEXT, rank REAL, done INTEGER, version INTEGER)`,
    ),
  ).toMatchObject({
    code: 'bad_entity',
    message: expect.stringMatching(message),
  })
})

test.each(['TEXT', 'REAL', ''])('a version column declared %j is refused by name', async (type) => {
  const error = await migrateOver(
    `CREATE TABLE Task (id TEXT PRIMARY KEY, title TEXT, status TEXT, assignee TEXT, rank REAL, done INTEGER, version ${type})`,
  )
  expect(error).toMatchObject({
    code: 'bad_entity',
    message: expect.stringMatching(/Task\.version is declared .*INTEGER/),
  })
})

test.each(['INT', 'NUMERIC', 'NUMBER(10)'])('a version column declared %s counts', async (type) => {
  const handle = new Database(':memory:')
  handle.exec(
    `CREATE TABLE Task (id TEXT PRIMARY KEY, title TEXT, status TEXT, assignee TEXT, rank REAL, done INTEGER, version ${type})`,
  )
  const database = openDatabase({ handle })
  const tasks = createRealtimeRepository({ database, entity: Task, captureTable: true })
  await database.migrate([tasks])
  await tasks.create({ id: 'a', title: 'x' })
  handle.exec("UPDATE Task SET title = 'y', version = '7'")
  expect(await tasks.update('a', { title: 'z' }, { ifVersion: 2 })).toMatchObject({ version: 3 })
  expect(handle.prepare('SELECT typeof(version) FROM Task').pluck().get()).toBe('integer')
  expect(await database.verify([tasks])).toMatchObject({ ok: true })
  await database.close()
  handle.close()
})

test.each([
  'id TEXT PRIMARY KEY ON CONFLICT REPLACE',
  'id TEXT UNIQUE on conflict\n replace',
  'id TEXT UNIQUE ON/* whatever */CONFLICT -- there is\n REPLACE',
])('a table with %j is refused: creating a row of a taken id would replace that row unseen', async (id) => {
  const ddl = `CREATE TABLE Task (${id}, title TEXT, status TEXT, assignee TEXT, rank REAL, done INTEGER, version INTEGER)`
  expect(await migrateOver(ddl)).toMatchObject({
    code: 'bad_entity',
    message: expect.stringContaining('ON CONFLICT REPLACE'),
  })
})

test.each([
  '-- ON CONFLICT REPLACE\n',
  '/* never\n ON CONFLICT REPLACE */',
  "note TEXT DEFAULT 'it''s ON CONFLICT REPLACE',",
  '"ON CONFLICT REPLACE" TEXT, [x ON CONFLICT REPLACE] TEXT, `y ON CONFLICT REPLACE` TEXT,',
])('a table that says ON CONFLICT REPLACE and does not mean it is taken (%j)', async (words) => {
  const ddl = `CREATE TABLE Task (${words} id TEXT PRIMARY KEY, title TEXT, status TEXT, assignee TEXT, rank REAL, done INTEGER, version INTEGER)`
  expect(await migrateOver(ddl)).toBe('taken')
})

test('bigints and JSON survive columns declared as integers and JSON', async () => {
  const handle = new Database(':memory:')
  handle.exec('CREATE TABLE Large (id TEXT PRIMARY KEY, size INTEGER, data JSON, version INTEGER)')
  const database = openDatabase({ handle })
  const Large = defineEntity('Large', z.object({ id: z.string(), size: z.bigint(), data: z.any() }))
  const rows = createRealtimeRepository({ database, entity: Large })
  await database.migrate([rows])
  const size = 2n ** 62n + 1n
  for (const [id, data] of [
    ['a', 5],
    ['b', '5'],
    ['c', { x: [1, null] }],
  ] as const) {
    await rows.create({ id, size, data })
    expect(await rows.get(id)).toMatchObject({ size, data })
  }
  await database.close()
  handle.close()
})

test('a bigint that a column of integers would round is refused by name; a column of text takes it', async () => {
  const Large = defineEntity('Large', z.object({ id: z.string(), size: z.bigint() }))
  const sizes = { least: -(2n ** 63n), most: 2n ** 63n - 1n, below: -(2n ** 63n) - 1n, above: 2n ** 63n }
  for (const type of ['INTEGER', 'BIGINT', 'TEXT', '']) {
    const handle = new Database(':memory:')
    handle.exec(`CREATE TABLE Large (id TEXT PRIMARY KEY, size ${type}, version INTEGER)`)
    const database = openDatabase({ handle })
    const rows = createRealtimeRepository({ database, entity: Large })
    await database.migrate([rows])
    await rows.create({ id: 'changed', size: 0n })
    for (const [id, size] of Object.entries(sizes)) {
      const isTooLarge = type.includes('INT') && (id === 'below' || id === 'above')
      if (isTooLarge) {
        const refused = { code: 'bad_field', details: { errors: [{ path: ['size'] }] } }
        await expect(rows.create({ id, size })).rejects.toMatchObject(refused)
        await expect(rows.update('changed', { size })).rejects.toMatchObject(refused)
      } else {
        expect(await rows.create({ id, size })).toEqual(await rows.get(id))
        expect(await rows.get(id)).toMatchObject({ size })
      }
    }
    expect(await database.verify([rows])).toMatchObject({ ok: true })
    await database.close()
    handle.close()
  }
})

test('tables written by a newer version are refused', async () => {
  using file = temporaryFile()
  {
    await using open = await openTasks({ path: file.path })
    await open.tasks.create({ title: 'x' })
  }
  const handle = new Database(file.path)
  handle.exec("UPDATE dnr_meta SET value = 99 WHERE name = 'schema'")
  handle.close()
  expect(await codeOf(openTasks({ path: file.path }))).toBe('storage_failed')
})

test('rows that stood in the table before are read, changed and logged', async () => {
  const handle = new Database(':memory:')
  handle.exec(`CREATE TABLE Task (id TEXT PRIMARY KEY, title TEXT, status TEXT, assignee TEXT, rank REAL, done INTEGER, version INTEGER NOT NULL DEFAULT 1);
    INSERT INTO Task (id, title, status, rank, done) VALUES ('old', 'x', 'todo', 2, 1)`)
  const database = openDatabase({ handle })
  const tasks = createRealtimeRepository({ database, entity: Task })
  await database.migrate([tasks])
  expect(await tasks.get('old')).toEqual({
    id: 'old',
    title: 'x',
    status: 'todo',
    assignee: null,
    rank: 2,
    done: true,
    version: 1,
  })
  expect(await tasks.update('old', { done: false })).toMatchObject({ done: false, version: 2 })
  await database.close()
  handle.close()
})

test('rows from before whose version is empty are at version 0, and count from there', async () => {
  const handle = new Database(':memory:')
  handle.exec(`CREATE TABLE Task (id TEXT PRIMARY KEY, title TEXT, status TEXT, assignee TEXT, rank REAL, done INTEGER);
    INSERT INTO Task (id, title) VALUES ('a', 'x'), ('b', 'x'), ('c', 'x');
    ALTER TABLE Task ADD COLUMN version INTEGER;
    UPDATE Task SET version = 4 WHERE id = 'c'`)
  const database = openDatabase({ handle })
  const tasks = createRealtimeRepository({ database, entity: Task })
  await database.migrate([tasks])
  const after = await database.changeLog.head()
  expect(await tasks.get('a')).toMatchObject({ version: 0 })
  expect((await tasks.find({ where: { version: 0 } })).rows).toHaveLength(2)
  expect((await tasks.find({ orderBy: [['version', 'desc']] })).rows.map(({ id }) => id)).toEqual([
    'c',
    'a',
    'b',
  ])
  expect(await codeOf(tasks.update('a', { title: 'y' }, { ifVersion: 1 }))).toBe('version_conflict')
  await tasks.update('a', { title: 'y' }, { ifVersion: 0 })
  expect(await codeOf(tasks.update('a', { title: 'z' }, { ifVersion: 0 }))).toBe('version_conflict')
  await tasks.delete('b', { ifVersion: 0 })
  const page = await database.changeLog.read({ after, entity: 'Task', limit: 10 })
  expect(page).toMatchObject({
    changes: [
      { version: 1, before: { version: 0 }, after: { version: 1 } },
      { version: 1, before: { version: 0 }, after: null },
    ],
  })
  await database.close()
  handle.close()
})
