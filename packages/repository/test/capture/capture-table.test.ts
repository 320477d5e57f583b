import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { defineEntity, type Position } from '@dnr/protocol'
import { createManualClock } from '@dnr/testing'
import type Database from 'better-sqlite3'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createRealtimeRepository, openDatabase } from '../../src/index.ts'
import { openBoth, told, transactionsOf } from '../support/captured.ts'
import { codeOf, Task, temporaryFile } from '../support/database.ts'
import { makeEndlessTransaction } from '../support/endless-transaction.ts'
import {
  changesAfter,
  expectLogToBeTheTable,
  Item,
  ITEM_TABLE,
  itemSchema,
  openItems,
} from '../support/items.ts'
import { openOther } from '../support/other-handle.ts'

test('plain SQL is logged as the repository would have logged it', async () => {
  await using open = await openBoth()
  open.other.exec("INSERT INTO Item (id, title, done) VALUES ('a', 'first', 0)")
  open.other.exec("UPDATE Item SET title = 'second', done = 1 WHERE id = 'a'")
  open.other.exec("DELETE FROM Item WHERE id = 'a'")
  const changes = await expectLogToBeTheTable(open)

  const row = { id: 'a', slug: null, parent: null, rank: null, size: null, title: 'first', done: false }
  expect(changes[1]).toEqual({
    entity: 'Item',
    id: 'a',
    operation: 'updated',
    version: 2,
    before: { ...row, version: 1, data: null },
    after: { ...row, title: 'second', done: true, version: 2, data: null },
    actor: null,
    mutationId: null,
    at: expect.any(Number),
    position: { epoch: open.start.epoch, offset: 2 },
    transaction: 2,
    last: true,
  })
  expect(told(changes)).toEqual(['created a 1', 'updated a 2', 'deleted a 3'])
  expect(Math.abs((changes[0]?.at ?? 0) - Date.now())).toBeLessThan(60_000)
})

const values = fc.record({
  title: fc.option(fc.string({ unit: 'binary' }), { nil: undefined }),
  rank: fc.option(
    fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer(),
      fc.float({ noNaN: true, noDefaultInfinity: true }),
    ),
    { nil: null },
  ),
  done: fc.option(fc.boolean(), { nil: undefined }),
  data: fc.option(fc.jsonValue() as fc.Arbitrary<z.infer<ReturnType<typeof z.json>>>, { nil: undefined }),
  size: fc.option(fc.bigInt(), { nil: null }),
  due: fc.option(fc.date({ noInvalidDate: true }), { nil: undefined }),
})

test('a write with plain SQL and the same through the repository give equal entries', async () => {
  await using through = await openBoth('', { synchronous: 'normal' })
  await using plain = await openBoth('', { synchronous: 'normal' })
  const columns = ['slug', 'parent', 'title', 'rank', 'done', 'data', 'size', 'due', 'version'] as const
  plain.other.pragma('synchronous = OFF')
  const copy = through.other.prepare('SELECT * FROM Item WHERE id = ?')
  const insert = plain.other.prepare(
    `INSERT INTO Item (id, ${columns.join()}) VALUES (@id, ${columns.map((name) => `@${name}`).join()})`,
  )
  const update = plain.other.prepare(
    `UPDATE Item SET ${columns.map((name) => `${name} = @${name}`).join()} WHERE id = @id`,
  )
  const images = (open: typeof plain) =>
    open.other
      .prepare('SELECT operation, version, before, after FROM dnr_change_log ORDER BY "offset" DESC LIMIT 3')
      .all()
  await fc.assert(
    fc.asyncProperty(values, values, async (first, second) => {
      const { id } = await through.items.create(first)
      insert.run(copy.get(id))
      await through.items.update(id, { ...second, slug: null })
      update.run(copy.get(id))
      await through.items.delete(id)
      plain.other.prepare('DELETE FROM Item WHERE id = ?').run(id)
      const [ours, theirs] = [images(through), images(plain)] as { before: string; after: string }[][]
      expect(theirs?.map(read)).toEqual(ours?.map(read))
    }),
    { numRuns: 200 },
  )
  expect(told(await expectLogToBeTheTable(plain))).toEqual(told(await expectLogToBeTheTable(through)))
})

/** An entry with its images read: some numbers have more than one spelling. */
function read({ before, after, ...entry }: { before: string; after: string }): object {
  return { ...entry, before: JSON.parse(before) as object, after: JSON.parse(after) as object }
}

test('everyday values are the same letters', async () => {
  await using open = await openBoth()
  const row = {
    title: 'He said "hi"\n\t\u0001 \u2028 \u007f 🐡 é',
    rank: 12.35,
    done: true,
    data: { b: [1, 0.5, null], a: 'ü' },
    size: -12345678901234567890n,
    due: new Date(0),
  }
  const { id } = await open.items.create(row)
  const before = open.other.prepare('SELECT "after" AS image FROM dnr_change_log').get()
  expect(open.other.prepare('SELECT image FROM dnr_images_Item WHERE id = ?').get(id)).toEqual(before)
})

test('INSERT OR REPLACE is an update of its row, and a deletion of other rows that had its keys', async () => {
  await using open = await openBoth()
  open.other.exec("INSERT INTO Item (id, slug) VALUES ('a', 'x'), ('b', 'y')")
  open.other.exec("INSERT OR REPLACE INTO Item (id, slug, title) VALUES ('a', 'y', 'new')")
  const changes = await expectLogToBeTheTable(open)
  expect(told(changes)).toEqual(['created a 1', 'created b 1', 'deleted b 2', 'updated a 2'])
  expect(changes[3]).toMatchObject({ before: { slug: 'x' }, after: { slug: 'y', title: 'new' } })
  expect(transactionsOf(changes)).toEqual([1, 1, 3, 3])
})

test('with recursive_triggers the replaced row is deleted and made again, in one transaction', async () => {
  await using open = await openBoth()
  open.other.exec("PRAGMA recursive_triggers = ON; INSERT INTO Item (id, slug) VALUES ('a', 'x')")
  open.other.exec("INSERT OR REPLACE INTO Item (id, slug) VALUES ('a', 'y')")
  const changes = await expectLogToBeTheTable(open)
  expect(told(changes)).toEqual(['created a 1', 'deleted a 2', 'created a 3'])
  expect(transactionsOf(changes)).toEqual([1, 2, 2])
})

test('an upsert is what it comes to, and one that does nothing is nothing', async () => {
  await using open = await openBoth()
  const upsert =
    "INSERT INTO Item (id, slug) VALUES ('a', 'x') ON CONFLICT (id) DO UPDATE SET title = 'again'"
  open.other.exec(upsert)
  open.other.exec(upsert)
  open.other.exec(
    "INSERT INTO Item (id, slug) VALUES ('b', 'x') ON CONFLICT (slug) DO UPDATE SET title = 'by slug'",
  )
  open.other.exec(
    "INSERT INTO Item (id) VALUES ('a') ON CONFLICT DO NOTHING; INSERT OR IGNORE INTO Item (id) VALUES ('a')",
  )
  expect(told(await expectLogToBeTheTable(open))).toEqual(['created a 1', 'updated a 2', 'updated a 3'])
})

test('an update of the id takes the row away and makes another, in one transaction', async () => {
  await using open = await openBoth()
  open.other.exec("INSERT INTO Item (id, title) VALUES ('a', 'x'); UPDATE Item SET id = 'b' WHERE id = 'a'")
  open.other.exec("UPDATE Item SET id = 'a' WHERE id = 'b'")
  const changes = await expectLogToBeTheTable(open)
  expect(told(changes)).toEqual(['created a 1', 'deleted a 2', 'created b 1', 'deleted b 2', 'created a 3'])
  expect(transactionsOf(changes)).toEqual([1, 2, 2, 4, 4])
})

test('rows deleted by a foreign key are logged with the row that took them, in the name of who deleted it', async () => {
  await using open = await openBoth()
  open.other.exec(
    "PRAGMA foreign_keys = ON; INSERT INTO Item (id, parent) VALUES ('a', NULL), ('b', 'a'), ('c', 'b'), ('d', NULL), ('e', 'd')",
  )
  open.other.exec("DELETE FROM Item WHERE id = 'a'")
  await open.items.delete('d', { principal: { id: 'alice' } })
  const changes = (await expectLogToBeTheTable(open)).slice(5)
  expect(told(changes).sort()).toEqual(['a', 'b', 'c', 'd', 'e'].map((id) => `deleted ${id} 2`))
  expect(transactionsOf(changes)).toEqual([6, 6, 6, 9, 9])
  expect(changes.map(({ actor }) => actor)).toEqual([null, null, null, 'alice', 'alice'])
})

test('the rows of one statement are one transaction; those of a transaction of several statements are several', async () => {
  await using open = await openBoth()
  open.other.exec("INSERT INTO Item (id) VALUES ('a'), ('b'), ('c')")
  open.other.exec("BEGIN; UPDATE Item SET rank = 1; UPDATE Item SET rank = 2 WHERE id > 'a'; COMMIT")
  const changes = await expectLogToBeTheTable(open)
  expect(transactionsOf(changes)).toEqual([1, 1, 1, 4, 4, 4, 7, 7])
  expect(changes.flatMap(({ last, position }) => (last ? [position.offset] : []))).toEqual([3, 6, 8])
})

test('offsets go on after a trim that left nothing: of statements, of those rolled back, and in the next process', async () => {
  using file = temporaryFile()
  let start: Position
  {
    await using open = await openItems(file.path, { ddl: ITEM_TABLE })
    start = open.start
    for (const id of ['a', 'b', 'c']) await open.items.create({ id })
    expect(await open.database.changeLog.trim({ keep: 0 })).toMatchObject({ floor: 3 })
  }
  using other = openOther(file.path)
  other.exec("BEGIN; UPDATE Item SET title = 'undone'; ROLLBACK")
  other.exec("UPDATE Item SET title = 'x'; UPDATE Item SET title = 'y' WHERE id <> 'a'")
  await using open = await openItems(file.path)
  const changes = await changesAfter(open, { ...start, offset: 3 })
  expect(changes.map(({ position }) => position.offset)).toEqual([4, 5, 6, 7, 8])
  expect(transactionsOf(changes)).toEqual([4, 4, 4, 7, 7])
  expect(told(changes)).toEqual(['updated a 2', 'updated b 2', 'updated c 2', 'updated b 3', 'updated c 3'])
  await open.items.update('a', { title: 'z' })
  other.exec("UPDATE Item SET title = 'last'")
  expect(transactionsOf(await changesAfter(open, open.start))).toEqual([9, 10, 10, 10])
})

test('what is rolled back is not in the log, and its offsets are used by the next', async () => {
  await using open = await openBoth()
  open.other.exec(
    "BEGIN; INSERT INTO Item (id) VALUES ('ghost'); ROLLBACK; INSERT INTO Item (id) VALUES ('a')",
  )
  expect(() => open.other.exec("INSERT INTO Item (id, slug) VALUES ('b', 'x'), ('c', 'x')")).toThrow(/UNIQUE/)
  const changes = await expectLogToBeTheTable(open)
  expect(told(changes)).toEqual(['created a 1'])
  expect(changes[0]?.position.offset).toBe(1)
})

test('OR FAIL keeps the rows before the one that failed, and the log has those', async () => {
  await using open = await openBoth()
  expect(() => open.other.exec("INSERT OR FAIL INTO Item (id, slug) VALUES ('a', 'x'), ('b', 'x')")).toThrow(
    /UNIQUE/,
  )
  open.other.exec("INSERT INTO Item (id, rank) VALUES ('b', 1), ('c', 2)")
  expect(() => open.other.exec("UPDATE OR FAIL Item SET slug = 'y' WHERE id IN ('b', 'c')")).toThrow(/UNIQUE/)
  expect(told(await expectLogToBeTheTable(open))).toEqual([
    'created a 1',
    'created b 1',
    'created c 1',
    'updated b 2',
  ])
})

test('whatever SQL does to the version, it rises by one; a row made again goes on where its deletion stopped', async () => {
  await using open = await openBoth()
  open.other.exec("INSERT INTO Item (id, version) VALUES ('a', 70)")
  open.other.exec(
    'UPDATE Item SET version = version + 1; UPDATE Item SET version = 1; UPDATE Item SET version = -5',
  )
  open.other.exec("DELETE FROM Item; INSERT INTO Item (id) VALUES ('a')")
  await open.items.delete('a')
  open.other.exec("INSERT INTO Item (id) VALUES ('a')")
  await open.items.update('a', { title: 'x' })
  expect((await expectLogToBeTheTable(open)).map(({ version }) => version)).toEqual([
    1, 2, 3, 4, 5, 6, 7, 8, 9,
  ])
})

test.each(['OFF', 'ON'])(
  'a statement whose row cannot rise in version, as a trigger ignores that, is refused with the reason (recursive_triggers %s)',
  async (recursive) => {
    await using open = await openBoth(
      "CREATE TRIGGER final BEFORE UPDATE ON Item WHEN OLD.title = 'final' BEGIN SELECT RAISE(IGNORE); END",
    )
    const { other } = open
    other.exec(`PRAGMA recursive_triggers = ${recursive}; INSERT INTO Item (id) VALUES ('a'), ('b')`)
    const reason = /Item: a trigger ignored .* version/
    expect(() => other.exec("UPDATE Item SET title = 'final'")).toThrow(reason)
    expect(() => other.exec("INSERT INTO Item (id, title, version) VALUES ('c', 'final', 7)")).toThrow(reason)
    // What there is nothing to raise of, and what the trigger ignores as a whole.
    other.exec("INSERT INTO Item (id, title) VALUES ('c', 'final')")
    other.exec("UPDATE Item SET title = 'final', version = version + 1 WHERE id = 'a'")
    other.exec("UPDATE Item SET title = 'late' WHERE id = 'a'")
    expect(told(await expectLogToBeTheTable(open))).toEqual([
      'created a 1',
      'created b 1',
      'created c 1',
      'updated a 2',
    ])
  },
)

test('a write of the repository is logged once, with its own actor and mutation id', async () => {
  await using open = await openBoth()
  const by = { principal: { id: 'alice' }, mutationId: 'm' }
  await open.items.create({ id: 'a', slug: 'x' }, by)
  await open.items.updateMany(['a'], { title: 'y' })
  await Promise.all(['b', 'c', 'd'].map((id) => open.items.create({ id })))
  await open.items.deleteMany({ where: {} })
  const changes = await expectLogToBeTheTable(open)
  expect(changes).toHaveLength(9)
  expect(changes[0]).toMatchObject({ actor: 'alice', mutationId: 'm' })
  expect(open.other.prepare('SELECT count(*) AS writes FROM dnr_row_writes').get()).toEqual({ writes: 0 })
})

test('SQL on the handle that was given to DNR, inside its transaction, belongs to that transaction', async () => {
  using file = temporaryFile()
  using handle = openOther(file.path)
  handle.exec(ITEM_TABLE)
  const database = openDatabase({ handle })
  const items = createRealtimeRepository({ database, entity: Item, captureTable: true })
  await database.migrate([items])
  const start = await database.changeLog.head()
  const batches: string[][] = []
  const relay = database.startRelay({ publish: (changes) => void batches.push(told(changes)) })
  await relay.flush()
  await database.transaction(async (tx) => {
    handle.exec("INSERT INTO Item (id) VALUES ('a')")
    await items.within(tx).create({ id: 'b' })
    handle.exec("UPDATE Item SET title = 'x' WHERE id = 'b'")
    expect(await codeOf(items.within(tx).create({ id: 'b' }))).toBe('id_taken')
    handle.exec("DELETE FROM Item WHERE id = 'a'")
  })
  await relay.flush()
  expect(batches).toEqual([['created a 1', 'created b 1', 'updated b 2', 'deleted a 2']])
  expect(await expectLogToBeTheTable({ database, items, start } as never)).toHaveLength(4)
  await database.close()
})

test('a process that has only SQLite is heard by a running relay, in order, within the time stated', async () => {
  using file = temporaryFile()
  const clock = createManualClock()
  await using open = await openItems(file.path, { ddl: ITEM_TABLE, clock, relayPollMs: 100 })
  const batches: string[][] = []
  let heard = (): void => {}
  const relay = open.database.startRelay({
    publish(changes) {
      batches.push(told(changes))
      if (batches.length === 3) heard()
    },
  })
  await relay.flush()
  const all = new Promise<void>((resolve) => (heard = resolve))
  const writer = fileURLToPath(new URL('../support/plain-sql-writer.ts', import.meta.url))
  await promisify(execFile)(process.execPath, [
    '--no-warnings',
    writer,
    file.path,
    "INSERT INTO Item (id, title) VALUES ('a', 'from elsewhere'), ('b', 'too')",
    "BEGIN; UPDATE Item SET title = 'moved on' WHERE id = 'a'; DELETE FROM Item WHERE id = 'b'; COMMIT",
  ])
  await clock.advance(100)
  await all
  expect(batches).toEqual([['created a 1', 'created b 1'], ['updated a 2'], ['deleted b 2']])
  expect(await open.items.get('a')).toMatchObject({ title: 'moved on', version: 2 })
})

test.each(['memory', 'file'])(
  'SQL on the handle that DNR was given is heard within a second (%s)',
  async (kind) => {
    using file = temporaryFile()
    const clock = createManualClock()
    await using open = await openItems(kind === 'file' ? file.path : ':memory:', { ddl: ITEM_TABLE, clock })
    let heard: (told: string[]) => void = () => {}
    const first = new Promise<string[]>((resolve) => (heard = resolve))
    const relay = open.database.startRelay({ publish: (changes) => heard(told(changes)) })
    await relay.flush()
    open.handle.exec("INSERT INTO Item (id) VALUES ('a')")
    await clock.advance(1_000)
    expect(await first).toEqual(['created a 1'])
  },
)

test('rows that break the schema can be read, changed and followed', async () => {
  await using open = await openBoth()
  open.other.exec(`INSERT INTO Item (id, title, rank, done, data, size, due, version) VALUES
    ('a', x'00ff', 'no number', 'maybe', '{broken', 'not 5', 'someday', 'v'),
    ('b', 5, 9e999, 7, x'00', 1.5, 20240101, 2.5)`)
  open.other.exec(
    "INSERT INTO Item (id, data, due) VALUES ('c', '{ \"b\" : 1, \"a\": [ ] }', '2024-02-30 99:00')",
  )
  const changes = await changesAfter(open, open.start)
  expect(changes[0]?.after).toEqual({
    id: 'a',
    slug: null,
    parent: null,
    rank: 'no number',
    done: false,
    data: '{broken',
    size: 'not 5',
    due: 'someday',
    version: 1,
  })
  expect(changes[1]?.after).toMatchObject({ title: '5', rank: null, done: false, data: null, size: '1.5' })
  expect(changes[2]?.after).toMatchObject({ data: { b: 1, a: [] }, due: '2024-02-30 99:00' })
  const { rows } = await open.items.snapshot()
  expect(rows.map(({ id }) => id)).toEqual(['a', 'b', 'c'])
  expect(rows[0]).toMatchObject({ due: 'someday', size: 'not 5' })
  expect(await open.items.update('a', { title: 'mended', due: new Date(0), data: 1 })).toMatchObject({
    version: 2,
    title: 'mended',
  })
  await open.items.delete('c')
  expect((await open.items.find({ where: { rank: { gt: 1, lt: 9e300 } } })).rows).toEqual([])
  open.other.exec("INSERT INTO Item (id, data) VALUES ('d', '{broken')")
  expect((await open.items.find({ where: { data: { gte: 1 } } })).rows).toMatchObject([{ id: 'a' }])
})

test('migrate keeps the triggers in step with the entity and with the table', async () => {
  await using open = await openBoth()
  open.other.exec('ALTER TABLE Item ADD COLUMN colour TEXT; CREATE UNIQUE INDEX by_colour ON Item (colour)')
  const Wider = defineEntity('Item', itemSchema.extend({ colour: z.string().nullable().default(null) }))
  const wider = createRealtimeRepository({ database: open.database, entity: Wider, captureTable: true })
  await open.database.migrate([wider])
  open.other.exec("INSERT INTO Item (id, colour) VALUES ('a', 'red'), ('b', NULL)")
  open.other.exec("INSERT OR REPLACE INTO Item (id, colour) VALUES ('b', 'red')")
  const changes = await changesAfter(open, open.start)
  expect(changes[0]?.after).toMatchObject({ colour: 'red' })
  expect(told(changes)).toEqual(['created a 1', 'created b 1', 'deleted a 2', 'updated b 2'])

  const sql = () =>
    open.other
      .prepare("SELECT name, sql, rootpage FROM sqlite_schema WHERE name LIKE 'dnr_%' ORDER BY name")
      .all()
  const before = sql()
  await open.database.migrate([wider])
  expect(sql()).toEqual(before)
})

test('migrate replaces the triggers that an earlier version made', async () => {
  using file = temporaryFile()
  makeEndlessTransaction(file.path)
  await using fresh = await openBoth()
  using upgraded = openOther(file.path)
  const triggers = (handle: Database.Database) =>
    handle
      .prepare("SELECT name, sql FROM sqlite_schema WHERE type IN ('trigger', 'view') ORDER BY name")
      .all()
  expect(triggers(upgraded)).not.toEqual(triggers(fresh.other))
  await using open = await openItems(file.path)
  expect(triggers(upgraded)).toEqual(triggers(fresh.other))
  expect(await open.database.health()).toMatchObject({ ok: true })
})

test('when capture is switched off the triggers go, and only the repository logs', async () => {
  await using open = await openBoth()
  open.other.exec("INSERT INTO Item (id) VALUES ('a')")
  await open.database.migrate([createRealtimeRepository({ database: open.database, entity: Item })])
  open.other.exec("UPDATE Item SET title = 'unheard'")
  await open.items.update('a', { title: 'heard' })
  expect(told(await changesAfter(open, open.start))).toEqual(['created a 1', 'updated a 2'])
  const left = open.other
    .prepare(
      "SELECT name FROM sqlite_schema WHERE type IN ('trigger', 'view') AND tbl_name <> 'dnr_change_log'",
    )
    .all()
  expect(left).toEqual([])
})

test('one table has one entity that captures it, and none that is declared to replace rows or to have ids of any type', async () => {
  await using open = await openBoth(
    `CREATE TABLE Other (id TEXT PRIMARY KEY, slug TEXT UNIQUE ON CONFLICT REPLACE, version INTEGER);
    CREATE TABLE Typeless (id PRIMARY KEY, version INTEGER)`,
  )
  const Twin = defineEntity('Twin', z.object({ id: z.string() }))
  const migrate = (table: string) =>
    codeOf(
      open.database.migrate([
        createRealtimeRepository({ database: open.database, entity: Twin, table, captureTable: true }),
      ]),
    )
  expect(await migrate('Item')).toBe('bad_option')
  expect(await migrate('Other')).toBe('bad_entity')
  expect(await migrate('Typeless')).toBe('bad_entity')
})

test('two entities on one table do not hear each other, so they are refused; one entity, or one that captures, is not', async () => {
  const database = openDatabase({ path: ':memory:' })
  const Twin = defineEntity('Twin', Task.schema)
  const task = createRealtimeRepository({ database, entity: Task })
  const twin = createRealtimeRepository({ database, entity: Twin, table: 'tASK' })
  const error = await database.migrate([task, twin]).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'bad_option', message: expect.stringMatching(/Task and Twin/) })
  await database.migrate([task, createRealtimeRepository({ database, entity: Task })])
  await database.migrate([twin, createRealtimeRepository({ database, entity: Task, captureTable: true })])
  await database.close()
})

test('a table that DNR made is captured as well, also in memory', async () => {
  const database = openDatabase({ path: ':memory:' })
  const tasks = createRealtimeRepository({ database, entity: Task, captureTable: true })
  await database.migrate([tasks])
  const { id } = await tasks.create({ title: 'x', rank: 0.1 })
  await tasks.update(id, { done: true })
  expect((await database.changeLog.head()).offset).toBe(2)
  await database.close()
})
