import fc from 'fast-check'
import { test } from 'vitest'
import { expectLogToBeTheTable, ITEM_TABLE, type OpenItems, openItems } from '../support/items.ts'

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'A', 'D')
const slug = fc.constantFrom('NULL', "'x'", "'y'", "'z'", "'X'")
const parent = fc.constantFrom('NULL', 'NULL', "'a'", "'b'")
const conflict = fc.constantFrom('', 'OR REPLACE', 'OR IGNORE', 'OR FAIL', 'OR ROLLBACK')

const insert = fc
  .tuple(conflict, id, slug, parent, fc.constantFrom('1', '7', '-2'))
  .map(
    ([or, key, s, p, version]) =>
      `INSERT ${or} INTO Item (id, slug, parent, version) VALUES ('${key}', ${s}, ${p}, ${version})`,
  )
const insertMany = fc
  .tuple(conflict, slug)
  .map(([or, s]) => `INSERT ${or} INTO Item (id, slug) VALUES ('d', ${s}), ('e', NULL), ('a', 'y')`)
const upsert = fc
  .tuple(id, slug, fc.constantFrom('NOTHING', "UPDATE SET title = 'upserted'", 'UPDATE SET slug = NULL'))
  .map(([key, s, action]) => `INSERT INTO Item (id, slug) VALUES ('${key}', ${s}) ON CONFLICT DO ${action}`)
const update = fc
  .tuple(
    conflict,
    fc.oneof(
      id.map((to) => `id = '${to}'`),
      slug.map((s) => `slug = ${s}`),
      parent.map((p) => `parent = ${p}`),
      fc.constantFrom(
        "title = 't'",
        'rank = coalesce(rank, 0) + 1',
        'version = version + 1',
        'version = 1',
        'title = title',
      ),
    ),
    fc.oneof(
      id.map((key) => `id = '${key}'`),
      fc.constantFrom('true', 'slug IS NULL', 'false'),
    ),
  )
  .map(([or, set, where]) => `UPDATE ${or} Item SET ${set} WHERE ${where}`)
const remove = fc
  .oneof(
    id.map((key) => `id = '${key}'`),
    fc.constantFrom('parent IS NULL', 'true'),
  )
  .map((where) => `DELETE FROM Item WHERE ${where}`)
const sql = fc.oneof(
  { weight: 4, arbitrary: insert },
  insertMany,
  upsert,
  { weight: 4, arbitrary: update },
  remove,
)

const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: sql.map((text) => ({ kind: 'sql' as const, texts: [text] })) },
    fc
      .array(sql, { maxLength: 4 })
      .map((texts) => ({ kind: 'sql' as const, texts: ['BEGIN', ...texts, 'COMMIT'] })),
    fc
      .array(sql, { maxLength: 3 })
      .map((texts) => ({ kind: 'sql' as const, texts: ['BEGIN', ...texts, 'ROLLBACK'] })),
    fc.record({ kind: fc.constant('create' as const), id, slug: fc.constantFrom(null, 'x', 'y') }),
    fc.record({ kind: fc.constant('update' as const), id, slug: fc.constantFrom(null, 'x', 'y') }),
    fc.record({ kind: fc.constant('delete' as const), id }),
    fc.record({ kind: fc.constant('mixed' as const), id, text: sql, fails: fc.boolean() }),
  ),
  { maxLength: 20 },
)

/**
 * Triggers that an application may have of its own; made before ours or after them. None changes, before a row is written,
 * that same row: SQLite leaves undefined what comes of it.
 */
const USER_TRIGGERS = [
  `CREATE TRIGGER touch_insert AFTER INSERT ON Item BEGIN UPDATE Item SET due = '2020-01-01T00:00:00.000Z' WHERE id = NEW.id; END`,
  `CREATE TRIGGER touch_update AFTER UPDATE OF title, slug ON Item BEGIN UPDATE Item SET rank = coalesce(rank, 0) + 1 WHERE id = NEW.id; END`,
  `CREATE TRIGGER follow_delete AFTER DELETE ON Item WHEN OLD.id <> 'z' BEGIN UPDATE Item SET title = 'left alone' WHERE id = 'c'; END`,
  `CREATE TRIGGER before_update BEFORE UPDATE OF slug, title ON Item WHEN NEW.id <> 'z' BEGIN UPDATE Item SET data = '1' WHERE id = 'z'; END`,
  `CREATE TRIGGER before_delete BEFORE DELETE ON Item WHEN OLD.id <> 'z' BEGIN DELETE FROM Item WHERE id = 'z'; END`,
  `CREATE TRIGGER more_insert AFTER INSERT ON Item WHEN NEW.id = 'a' BEGIN INSERT OR IGNORE INTO Item (id, slug) VALUES ('z', 'x'); END`,
]

/** Ids and keys that are the same in capitals, be it by their column or by their index. */
const CASELESS_TABLE = `${ITEM_TABLE.replace('id TEXT PRIMARY KEY', 'id TEXT PRIMARY KEY COLLATE NOCASE').replace('slug TEXT UNIQUE', 'slug TEXT')};
  CREATE UNIQUE INDEX slugs ON Item (slug COLLATE NOCASE)`

const setups = fc.record({
  recursive: fc.boolean(),
  isCaseless: fc.boolean(),
  foreignKeys: fc.boolean(),
  triggersBefore: fc.subarray(USER_TRIGGERS),
  triggersAfter: fc.subarray(USER_TRIGGERS),
})

test(
  'whatever is written, by whomever and with whatever triggers: the log is the table',
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(setups, steps, async (setup, list) => {
        const ddl = [setup.isCaseless ? CASELESS_TABLE : ITEM_TABLE, ...setup.triggersBefore].join(';')
        await using open = await openItems(':memory:', { ddl })
        const { handle } = open
        const later = setup.triggersAfter.filter((trigger) => !setup.triggersBefore.includes(trigger))
        for (const trigger of later) handle.exec(trigger)
        handle.pragma(`recursive_triggers = ${setup.recursive}`)
        handle.pragma(`foreign_keys = ${setup.foreignKeys}`)
        // OR FAIL keeps a row whose triggers were cut short, ours among them: see the README.
        const mayFail = setup.triggersBefore.length + later.length === 0
        for (const step of list) {
          if (step.kind !== 'sql') {
            await run(open, step).catch(() => {})
            continue
          }
          for (const text of step.texts) attempt(handle, mayFail ? text : text.replace('OR FAIL', 'OR ABORT'))
          if (handle.inTransaction) handle.exec('ROLLBACK')
        }
        await expectLogToBeTheTable(open)
      }),
      {
        numRuns: 300,
        examples: [
          [
            // A row that was in another's way first, then replaced, and changed by a trigger before it is done.
            {
              recursive: false,
              isCaseless: false,
              foreignKeys: false,
              triggersBefore: [],
              triggersAfter: [USER_TRIGGERS[0] as string],
            },
            [
              { kind: 'create', id: 'a', slug: 'y' },
              {
                kind: 'sql',
                texts: [
                  'BEGIN',
                  "INSERT INTO Item (id, slug) VALUES ('b', 'y') ON CONFLICT DO NOTHING",
                  "INSERT OR REPLACE INTO Item (id, slug) VALUES ('a', 'y')",
                  'COMMIT',
                ],
              },
            ],
          ],
          [
            // A row that another trigger changes just before it is replaced.
            {
              recursive: false,
              isCaseless: false,
              foreignKeys: false,
              triggersBefore: [USER_TRIGGERS[3] as string, USER_TRIGGERS[5] as string],
              triggersAfter: [],
            },
            [
              { kind: 'sql', texts: ["INSERT INTO Item (id, slug) VALUES ('a', 'y')"] },
              { kind: 'sql', texts: ["UPDATE OR REPLACE Item SET slug = 'x' WHERE id = 'a'"] },
            ],
          ],
          [
            // A row that a trigger changed while it was being made, and changes again just before it is replaced.
            {
              recursive: false,
              isCaseless: false,
              foreignKeys: false,
              triggersBefore: [USER_TRIGGERS[3] as string],
              triggersAfter: [USER_TRIGGERS[0] as string, USER_TRIGGERS[5] as string],
            },
            [
              { kind: 'sql', texts: ["INSERT INTO Item (id, slug) VALUES ('a', 'y')"] },
              { kind: 'sql', texts: ["INSERT INTO Item (id, slug) VALUES ('c', NULL)"] },
              { kind: 'sql', texts: ["UPDATE OR REPLACE Item SET slug = 'z' WHERE true"] },
            ],
          ],
          [
            { recursive: false, isCaseless: false, foreignKeys: true, triggersBefore: [], triggersAfter: [] },
            [
              {
                kind: 'sql',
                texts: ["INSERT  INTO Item (id, slug) VALUES ('d', NULL), ('e', NULL), ('a', 'y')"],
              },
              {
                kind: 'sql',
                texts: ["INSERT  INTO Item (id, slug, parent, version) VALUES ('c', NULL, 'a', 1)"],
              },
              // The last row goes with its parent, which it was to replace.
              { kind: 'sql', texts: ["UPDATE OR REPLACE Item SET id = 'd' WHERE true"] },
            ],
          ],
        ],
      },
    )
  },
)

type Step = Exclude<
  typeof steps extends fc.Arbitrary<infer S extends readonly unknown[]> ? S[number] : never,
  { kind: 'sql' }
>

/** A statement that a rule of the table may refuse. */
function attempt(handle: OpenItems['handle'], text: string): void {
  try {
    handle.exec(text)
  } catch {
    // Refused: nothing, or with OR FAIL a part of it, is written.
  }
}

async function run({ items, database }: OpenItems, step: Step): Promise<void> {
  switch (step.kind) {
    case 'create':
      return void (await items.create({ id: step.id, slug: step.slug }))
    case 'update':
      return void (await items.update(step.id, { slug: step.slug }))
    case 'delete':
      return items.delete(step.id)
    case 'mixed':
      return database.transaction(async (tx) => {
        const within = items.within(tx)
        await within.create({ id: step.id }).catch(() => {})
        await within.update('b', { title: 'mixed' }).catch(() => {})
        await within.delete(step.id).catch(() => {})
        if (step.fails) throw new Error('rolled back')
      })
  }
}
