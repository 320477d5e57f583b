import { type Change, defineEntity } from '@dnr/protocol'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createRealtimeRepository, openDatabase } from '../../src/index.ts'
import { changesAfter, Item } from '../support/items.ts'

const Note = defineEntity(
  'Note',
  z.object({
    id: z.string(),
    item: z.string().nullable().default(null),
    text: z.string().nullable().default(null),
  }),
)

const COLUMNS = `parent TEXT REFERENCES Item (id) ON DELETE CASCADE ON UPDATE CASCADE,
  title TEXT, rank REAL, done INTEGER, data TEXT, size TEXT, due TEXT, version INTEGER NOT NULL DEFAULT 1`

/** Keys of every kind, with and without a row number. */
const ITEM_TABLES = [
  `CREATE TABLE Item (id TEXT PRIMARY KEY NOT NULL, slug TEXT UNIQUE, ${COLUMNS}) WITHOUT ROWID`,
  `CREATE TABLE Item (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, slug TEXT UNIQUE, ${COLUMNS})`,
  `CREATE TABLE Item (id TEXT PRIMARY KEY NOT NULL, slug TEXT, ${COLUMNS});
  CREATE UNIQUE INDEX two ON Item (slug, rank); CREATE UNIQUE INDEX part ON Item (title) WHERE done = 1`,
  `CREATE TABLE Item (slug TEXT, id TEXT NOT NULL UNIQUE, ${COLUMNS}, PRIMARY KEY (slug, id)) WITHOUT ROWID`,
  `CREATE TABLE Item (id TEXT PRIMARY KEY NOT NULL, slug TEXT UNIQUE, ${COLUMNS}) STRICT`,
  `CREATE TABLE Item (id TEXT PRIMARY KEY, slug TEXT NOT NULL DEFAULT 'x',
  key TEXT AS (lower(slug)) UNIQUE, ${COLUMNS})`,
]
const NOTE_TABLES = ['CASCADE', 'SET NULL', 'RESTRICT', 'NO ACTION DEFERRABLE INITIALLY DEFERRED'].map(
  (action) => `CREATE TABLE Note (id TEXT PRIMARY KEY NOT NULL, text TEXT, version INTEGER NOT NULL DEFAULT 1,
  item TEXT UNIQUE REFERENCES Item (id) ON UPDATE CASCADE ON DELETE ${action})`,
)
const USER_TRIGGERS = [
  `CREATE TRIGGER t1 AFTER INSERT ON Item BEGIN INSERT OR REPLACE INTO Note (id, item) VALUES ('t', NEW.id); END`,
  `CREATE TRIGGER t2 AFTER DELETE ON Note BEGIN UPDATE Item SET due = '2020-01-01T00:00:00.000Z' WHERE id = OLD.item; END`,
  `CREATE TRIGGER t3 AFTER UPDATE OF slug ON Item BEGIN UPDATE Note SET text = coalesce(text, '') || '.' WHERE item = NEW.id;
  DELETE FROM Item WHERE id = 'd' AND NEW.id = 'c'; END`,
]

const id = fc.constantFrom('a', 'b', 'c', 'd')
const slug = fc.constantFrom("'w'", "'x'", "'y'", "'z'", "'X'")
const parent = fc.constantFrom('NULL', 'NULL', "'a'", "'b'")
const item = fc.constantFrom("'a'", "'b'", 'NULL')
const conflict = fc.constantFrom('', 'OR REPLACE', 'OR REPLACE', 'OR IGNORE')
const itemsWhere = fc.oneof(
  id.map((key) => `id = '${key}'`),
  fc.constantFrom('true', 'parent IS NULL'),
)

const insert = fc
  .tuple(conflict, id, slug, parent, fc.constantFrom('1', '2'), fc.constantFrom('0', '1'))
  .map(
    ([or, key, s, p, rank, done]) =>
      `INSERT ${or} INTO Item (id, slug, parent, rank, title, done) VALUES ('${key}', ${s}, ${p}, ${rank}, 't', ${done})`,
  )
const insertMany = fc
  .tuple(conflict, slug)
  .map(
    ([or, s]) =>
      `INSERT ${or} INTO Item (id, slug, title, done) VALUES ('d', ${s}, 't', 1), ('c', 'z', 'u', 1), ('a', 'y', 't', 1)`,
  )
const upsert = fc
  .tuple(
    id,
    slug,
    fc.constantFrom(
      'NOTHING',
      "UPDATE SET title = 'up'",
      "UPDATE SET id = 'd'",
      'UPDATE SET slug = excluded.slug',
    ),
  )
  .map(
    ([key, s, action]) => `INSERT INTO Item (id, slug) VALUES ('${key}', ${s}) ON CONFLICT (id) DO ${action}`,
  )
const update = fc
  .tuple(
    conflict,
    fc.oneof(
      id.map((to) => `id = '${to}'`),
      slug.map((s) => `slug = ${s}`),
      parent.map((p) => `parent = ${p}`),
      fc.constantFrom(
        "id = CASE id WHEN 'a' THEN 'b' WHEN 'b' THEN 'c' ELSE 'd' END",
        "title = 't', done = 1",
        'done = 1 - done',
        'rank = 1',
        'rank = 2, slug = slug',
        'version = 1',
        "id = id, slug = 'x'",
      ),
    ),
    fc.oneof(
      itemsWhere,
      slug.map((s) => `slug = ${s}`),
    ),
  )
  .map(([or, set, where]) => `UPDATE ${or} Item SET ${set} WHERE ${where}`)
const sql = fc.oneof(
  insert,
  insertMany,
  upsert,
  { weight: 4, arbitrary: update },
  itemsWhere.map((where) => `DELETE FROM Item WHERE ${where}`),
  fc
    .tuple(conflict, id, item)
    .map(([or, key, i]) => `INSERT ${or} INTO Note (id, item) VALUES ('${key}', ${i})`),
  fc.tuple(conflict, id, item).map(([or, key, i]) => `UPDATE ${or} Note SET item = ${i} WHERE id = '${key}'`),
  fc.constantFrom('DELETE FROM Note', "UPDATE Note SET text = 'x'"),
)

const own = fc.oneof(
  fc.record({ kind: fc.constant('create' as const), id, slug: fc.constantFrom('x', 'y', 'q') }),
  fc.record({ kind: fc.constant('update' as const), id, slug: fc.constantFrom('x', 'y', 'q') }),
  fc.record({ kind: fc.constant('delete' as const), id }),
  fc.record({ kind: fc.constant('many' as const) }),
)
type Write = typeof own extends fc.Arbitrary<infer W> ? W | string : never

const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: sql },
    own,
    fc.record({
      kind: fc.constant('transaction' as const),
      writes: fc.array(fc.oneof(sql, own), { maxLength: 5 }),
      fails: fc.boolean(),
      /** Between the first of them and the last: what comes then is taken back. */
      goesBack: fc.boolean(),
    }),
  ),
  { maxLength: 12 },
)
const setups = fc.record({
  itemTable: fc.constantFrom(...ITEM_TABLES),
  noteTable: fc.constantFrom(...NOTE_TABLES),
  recursive: fc.boolean(),
  foreignKeys: fc.boolean(),
  triggers: fc.subarray(USER_TRIGGERS),
  /** Are they there before ours? */
  isBefore: fc.boolean(),
})
/** Rows that stand in each other's way. */
const ROWS = `INSERT INTO Item (id, slug, rank, title, done)
  VALUES ('a', 'x', 1, 't', 1), ('b', 'y', 1, 'u', 0), ('c', 'z', 2, 't', 0)`

type Setup = typeof setups extends fc.Arbitrary<infer S> ? S : never

async function openTables({ itemTable, noteTable, recursive, foreignKeys, triggers, isBefore }: Setup) {
  const handle = new Database(':memory:')
  handle.exec([itemTable, noteTable, ...(isBefore ? triggers : [])].join(';'))
  const database = openDatabase({ handle })
  const items = createRealtimeRepository({ database, entity: Item, captureTable: true })
  const notes = createRealtimeRepository({ database, entity: Note, captureTable: true })
  await database.migrate([items, notes])
  if (!isBefore) for (const trigger of triggers) handle.exec(trigger)
  handle.pragma(`recursive_triggers = ${recursive}`)
  handle.pragma(`foreign_keys = ${foreignKeys}`)
  const head = handle.prepare('SELECT coalesce(max("offset"), 0) FROM dnr_change_log').pluck()
  const start = await database.changeLog.head()
  return {
    handle,
    database,
    items,
    notes,
    start,
    head: () => head.get() as number,
    async [Symbol.asyncDispose]() {
      await database.close()
      handle.close()
    },
  }
}
type Open = Awaited<ReturnType<typeof openTables>>

/** A write that a rule of the tables may refuse. */
async function write(
  { handle }: Open,
  items: Pick<Open['items'], 'create' | 'update' | 'delete' | 'updateMany'>,
  step: Write,
) {
  try {
    if (typeof step === 'string') handle.exec(step)
    else if (step.kind === 'create') await items.create({ id: step.id, slug: step.slug })
    else if (step.kind === 'update') await items.update(step.id, { slug: step.slug })
    else if (step.kind === 'delete') await items.delete(step.id)
    else await items.updateMany({ where: {} }, { title: 'many' })
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    if (!/^(bad_field|id_taken|not_found|SQLITE_CONSTRAINT.*)$/.test(code)) throw error
    // Of our own tables no rule is broken.
    expect(message).not.toMatch(/dnr_/)
  }
}

const UNDONE = new Error('undone')

async function transact(
  open: Open,
  {
    writes,
    fails,
    goesBack,
  }: { readonly writes: readonly Write[]; readonly fails: boolean; readonly goesBack: boolean },
) {
  const { database, handle, items } = open
  const transaction = database.transaction(async (tx) => {
    for (const [index, step] of writes.entries()) {
      if (goesBack && index === 1) handle.exec('SAVEPOINT mine')
      await write(open, items.within(tx), step)
      if (goesBack && index === 3) handle.exec('ROLLBACK TO mine')
    }
    if (fails) throw UNDONE
  })
  await transaction.catch((error: { code?: string }) => {
    // A foreign key that is looked at when the transaction ends.
    if (error !== UNDONE && error.code !== 'bad_field') throw error
  })
}

test(
  'whatever is written into tables that depend on each other: the log is the tables, and each write one transaction',
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(setups, steps, async (setup, list) => {
        await using open = await openTables(setup)
        const firsts: number[] = []
        for (const step of [ROWS, ...list]) {
          const before = open.head()
          if (typeof step === 'object' && step.kind === 'transaction') await transact(open, step)
          else await write(open, open.items, step)
          if (open.head() > before) firsts.push(before + 1)
        }
        const items = await changesAfter(open, open.start, 'Item')
        const notes = await changesAfter(open, open.start, 'Note')
        const all = [...items, ...notes].sort((a, b) => a.position.offset - b.position.offset)
        expect(all.map(({ position }) => position.offset)).toEqual(all.map((_, index) => index + 1))
        expect([...new Set(all.map(({ transaction }) => transaction))]).toEqual(firsts)
        expect(livingRows(items)).toEqual(toWire((await open.items.snapshot()).rows))
        expect(livingRows(notes)).toEqual(toWire((await open.notes.snapshot()).rows))
      }),
      { numRuns: 300 },
    )
  },
)

/** What a log leaves, in which every change has to follow from the one before of its row. */
function livingRows(changes: readonly Change[]): unknown[] {
  const rows = new Map<string, Change>()
  for (const change of changes) {
    const previous = rows.get(change.id)
    expect(change.before).toEqual(previous?.after ?? null)
    expect(change.version).toBe((previous?.version ?? 0) + 1)
    expect(change.operation).toBe(
      change.before === null ? 'created' : change.after === null ? 'deleted' : 'updated',
    )
    rows.set(change.id, change)
  }
  return [...rows.values()].flatMap(({ after }) => (after === null ? [] : [after])).sort(byId)
}

function toWire(rows: readonly unknown[]): unknown[] {
  return (JSON.parse(JSON.stringify(rows)) as { id: string }[]).sort(byId)
}

const byId = (a: { readonly id?: unknown }, b: { readonly id?: unknown }) =>
  String(a.id) < String(b.id) ? -1 : 1
