import { DnrError } from '@dnr/protocol'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { createRealtimeRepository, openDatabase, type SqliteHandle } from '../../src/index.ts'
import { codeOf, openTasks, Task, temporaryFile } from '../support/database.ts'

/** A handle that tells which commands it was given. */
function watched(path: string): {
  readonly handle: SqliteHandle
  readonly commands: string[]
  close(): void
} {
  const inner = new Database(path)
  const commands: string[] = []
  const handle: SqliteHandle = {
    prepare(sql) {
      const statement = inner.prepare(sql)
      if (!/^(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)/.test(sql)) return statement
      return {
        get reader() {
          return statement.reader
        },
        get: () => undefined,
        all: () => [],
        run: () => {
          commands.push(sql)
          return statement.run()
        },
      }
    },
    exec: (sql) => inner.exec(sql),
    close: () => inner.close(),
    get inTransaction() {
      return inner.inTransaction
    },
  }
  return { handle, commands, close: () => void inner.close() }
}

test('writes that arrive together share a commit, without savepoints until one fails after it has written', async () => {
  using file = temporaryFile()
  const { handle, commands, close } = watched(file.path)
  const database = openDatabase({ handle })
  const tasks = createRealtimeRepository({ database, entity: Task })
  await database.migrate([tasks])

  const together = async (ids: readonly string[]): Promise<unknown[]> => {
    commands.length = 0
    const codes = await Promise.all(ids.map((id) => codeOf(tasks.create({ id, title: 'x' }))))
    return [codes.filter((code) => code !== 'resolved'), commands]
  }
  expect(await together(['alone'])).toEqual([[], ['BEGIN IMMEDIATE', 'COMMIT']])
  expect(await together(['a', 'b', 'c'])).toEqual([[], ['BEGIN IMMEDIATE', 'COMMIT']])
  // Refused before anything is written.
  expect(await together(['d', '..', 'e'])).toEqual([['bad_field'], ['BEGIN IMMEDIATE', 'COMMIT']])
  expect(await together(['f', 'a', 'g'])).toEqual([
    ['id_taken'],
    [
      'BEGIN IMMEDIATE, ROLLBACK, BEGIN IMMEDIATE',
      'SAVEPOINT dnr, RELEASE dnr',
      'SAVEPOINT dnr, ROLLBACK TO dnr, RELEASE dnr',
      'SAVEPOINT dnr, RELEASE dnr',
      'COMMIT',
    ].flatMap((line) => line.split(', ')),
  ])
  await database.close()
  close()
})

test('of writes that share a commit one fails alone', async () => {
  await using open = await openTasks()
  await open.tasks.create({ id: 'taken', title: 'x' })
  const before = await open.database.changeLog.head()
  const codes = await Promise.all([
    codeOf(open.tasks.create({ id: 'a', title: 'x' })),
    codeOf(open.tasks.create({ id: 'taken', title: 'x' })),
    codeOf(open.tasks.update('absent', { title: 'x' })),
    codeOf(open.tasks.create({ id: 'b', title: 'x' })),
  ])
  expect(codes).toEqual(['resolved', 'id_taken', 'not_found', 'resolved'])
  expect((await open.tasks.find()).rows.map(({ id }) => id)).toEqual(['a', 'b', 'taken'])
  const page = await open.database.changeLog.read({ after: before, entity: 'Task', limit: 10 })
  expect(page).toMatchObject({
    changes: [
      { id: 'a', position: { offset: 2 }, transaction: 2 },
      { id: 'b', position: { offset: 3 }, transaction: 3 },
    ],
  })
})

test('a write that fails after its row was written leaves neither row nor entry', async () => {
  await using open = await openTasks()
  const refuse = (): void => {
    throw new DnrError('forbidden', 'No.')
  }
  const codes = await Promise.all([
    codeOf(open.tasks.create({ id: 'a', title: 'x' })),
    codeOf(
      open.tasks.mutate({ operation: 'update', id: 'a', fields: { title: 'y' } }, { authorize: refuse }),
    ),
    codeOf(open.tasks.create({ id: 'b', title: 'x' })),
  ])
  expect(codes).toEqual(['resolved', 'forbidden', 'resolved'])
  expect(await open.tasks.get('a')).toMatchObject({ title: 'x', version: 1 })
})

test('row, log entry and stored answer stand or fall together', async () => {
  using file = temporaryFile()
  const handle = new Database(file.path)
  const database = openDatabase({ handle })
  const tasks = createRealtimeRepository({ database, entity: Task })
  await database.migrate([tasks])
  handle.exec(`CREATE TRIGGER refuse BEFORE INSERT ON dnr_mutations WHEN NEW.mutation_id = 'refused'
    BEGIN SELECT RAISE(ABORT, 'no room for this answer'); END`)
  const create = (id: string) => tasks.create({ id, title: 'x' }, { mutationId: id })

  expect(await Promise.all(['a', 'refused', 'b'].map((id) => codeOf(create(id))))).toEqual([
    'resolved',
    'bad_field',
    'resolved',
  ])
  expect(await codeOf(create('refused'))).toBe('bad_field')
  expect((await tasks.find()).rows.map(({ id }) => id)).toEqual(['a', 'b'])
  expect(handle.prepare('SELECT "offset", row_id FROM dnr_change_log').all()).toEqual([
    { offset: 1, row_id: 'a' },
    { offset: 2, row_id: 'b' },
  ])
  await database.close()
  handle.close()
})

test('a rule that SQLite checks at COMMIT alone fails its culprit, not the group', async () => {
  using file = temporaryFile()
  const handle = new Database(file.path)
  handle.exec('CREATE TABLE parent (id TEXT PRIMARY KEY)')
  handle.exec(`CREATE TABLE Task (id TEXT PRIMARY KEY, title TEXT, status TEXT, done INTEGER, rank REAL, version INTEGER,
    assignee TEXT REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)`)
  handle.exec("INSERT INTO parent VALUES ('p')")
  const database = openDatabase({ handle })
  const tasks = createRealtimeRepository({ database, entity: Task })
  await database.migrate([tasks])
  const published: string[] = []
  const relay = database.startRelay({
    publish: (changes) => void published.push(...changes.map(({ id }) => id)),
  })

  const codes = await Promise.all([
    codeOf(tasks.create({ id: 'a', title: 'x', assignee: 'p' })),
    codeOf(tasks.create({ id: 'b', title: 'x', assignee: 'nobody' })),
    codeOf(tasks.create({ id: 'c', title: 'x' })),
  ])
  expect(codes).toEqual(['resolved', 'bad_field', 'resolved'])
  await relay.flush()
  expect(published).toEqual(['a', 'c'])
  await database.close()
  handle.close()
})

test('rules of the user’s own table come out as bad_field', async () => {
  using file = temporaryFile()
  const handle = new Database(file.path)
  handle.exec(
    'CREATE TABLE Task (id TEXT PRIMARY KEY, title TEXT UNIQUE, status TEXT, done INTEGER, rank REAL CHECK (rank < 5), version INTEGER, assignee TEXT)',
  )
  const database = openDatabase({ handle })
  const tasks = createRealtimeRepository({ database, entity: Task })
  await database.migrate([tasks])
  await tasks.create({ title: 'x' })
  await expect(tasks.create({ title: 'x' })).rejects.toMatchObject({
    code: 'bad_field',
    details: { errors: [{ path: ['title'] }] },
  })
  expect(await codeOf(tasks.create({ title: 'y', rank: 9 }))).toBe('bad_field')
  await database.close()
  handle.close()
})

test('more writes than may wait are refused with busy', async () => {
  await using open = await openTasks({ maxQueuedWrites: 3 })
  const codes = await Promise.all(Array.from({ length: 5 }, () => codeOf(open.tasks.create({ title: 'x' }))))
  expect(codes).toEqual(['resolved', 'resolved', 'resolved', 'busy', 'busy'])
})

test('hundreds of writes at once all take effect, in the order they were asked for', async () => {
  await using open = await openTasks()
  const answers = await Promise.all(
    Array.from({ length: 350 }, (_, rank) =>
      open.tasks.mutate({ operation: 'create', fields: { title: 'x', rank } }),
    ),
  )
  expect(answers.map(({ position }) => position.offset)).toEqual(answers.map((_, index) => index + 1))
})
