import { expect, test } from 'vitest'
import { openBoth, told } from '../support/captured.ts'
import { changesAfter, expectLogToBeTheTable, ITEM_TABLE } from '../support/items.ts'

const withColumn = (column: string) => ITEM_TABLE.replace('version INTEGER', `${column}, version INTEGER`)

test('a row that goes because of a unique generated column is logged', async () => {
  const column = 'lower_title TEXT GENERATED ALWAYS AS (lower(title)) VIRTUAL UNIQUE'
  await using open = await openBoth('', { ddl: withColumn(column) })
  open.other.exec("INSERT INTO Item (id, title) VALUES ('a', 'X'), ('b', 'Y')")
  open.other.exec("UPDATE OR REPLACE Item SET title = 'x' WHERE id = 'b'")
  open.other.exec("INSERT OR REPLACE INTO Item (id, title) VALUES ('c', 'X')")
  expect(told(await expectLogToBeTheTable(open))).toEqual([
    'created a 1',
    'created b 1',
    'deleted a 2',
    'updated b 2',
    'deleted b 3',
    'created c 1',
  ])
})

test.each([
  'CREATE UNIQUE INDEX part ON Item (title) WHERE done = 1',
  'CREATE UNIQUE INDEX x$where ON Item (title) WHERE done = 1',
  `CREATE UNIQUE INDEX "where""s" ON "Item" (title) -- where?
  where "done" = 1 AND slug IS NOT 'WHERE' /* that is where */ AND coalesce(version, 0) > 0 -- so`,
])('a row that goes because another gets into a partial unique index is logged (%s)', async (index) => {
  await using open = await openBoth(index)
  open.other.exec("INSERT INTO Item (id, title, done) VALUES ('a', 't', 1), ('b', 't', 0)")
  await open.items.create({ id: 'own' })
  open.other.exec("UPDATE OR REPLACE Item SET done = 1 WHERE id = 'b'")
  expect(told(await expectLogToBeTheTable(open)).slice(3)).toEqual(['deleted a 2', 'updated b 2'])
})

test('what stands in the way of a row is found by the index, be it a partial one, and not by a look at every row', async () => {
  await using open = await openBoth(
    'CREATE UNIQUE INDEX part ON Item (title, rank) WHERE done = 1 AND rank > 0',
  )
  const trigger = open.other
    .prepare("SELECT sql FROM sqlite_schema WHERE name = 'dnr_capture_Item_before_key_update'")
    .pluck()
    .get() as string
  const [, condition] = /WHEN ([^]*)\nBEGIN/.exec(trigger) as unknown as [string, string]
  const plan = open.other
    .prepare(
      `EXPLAIN QUERY PLAN SELECT ${condition} FROM Item AS OLD, Item AS NEW WHERE OLD.id = 'a' AND NEW.id = 'b'`,
    )
    .all() as { detail: string }[]
  const steps = plan.map(({ detail }) => detail)
  expect(steps.filter((step) => step.includes('SCAN'))).toEqual([])
  expect(steps.join()).toMatch(/SEARCH Item USING (COVERING )?INDEX part/)
})

test.each([
  ['hidden', ITEM_TABLE, 'rowid'],
  [
    'INTEGER PRIMARY KEY',
    ITEM_TABLE.replace('id TEXT PRIMARY KEY', 'n INTEGER PRIMARY KEY, id TEXT UNIQUE'),
    'n',
  ],
  [
    'INTEGER PRIMARY KEY, by its other name',
    ITEM_TABLE.replace('id TEXT PRIMARY KEY', 'n INTEGER PRIMARY KEY, id TEXT UNIQUE'),
    'oid',
  ],
  ['beside a column that is called so', withColumn('rowid TEXT, oid INTEGER'), '_rowid_'],
])('a row that goes because another gets its row number is logged (%s)', async (_kind, ddl, number) => {
  await using open = await openBoth('', { ddl })
  open.other.exec(`INSERT INTO Item (${number}, id) VALUES (1, 'a'), (2, 'b'), (3, 'c')`)
  open.other.exec(`UPDATE OR REPLACE Item SET ${number} = 1 WHERE id = 'b'`)
  open.other.exec(`INSERT OR REPLACE INTO Item (${number}, id) VALUES (3, 'd')`)
  expect(told(await expectLogToBeTheTable(open)).slice(3)).toEqual([
    'deleted a 2',
    'updated b 2',
    'deleted c 2',
    'created d 1',
  ])
})

test.each([
  "'it''s'",
  '"it\'s ""x"""',
  "[it's]",
  "`it's ``x```",
  'main',
  'größe',
  'current_user',
  'TRUE',
  'CURRENT_DATE',
  '-1.5',
  "(lower('X') || 1)",
  "x'61'",
])('a row that goes because NULL becomes the default of a unique column is logged (%s)', async (value) => {
  const ddl = ITEM_TABLE.replace('slug TEXT UNIQUE', `slug TEXT NOT NULL DEFAULT ${value} UNIQUE`)
  await using open = await openBoth('', { ddl })
  open.other.exec("INSERT INTO Item (id) VALUES ('a')")
  open.other.exec("INSERT OR REPLACE INTO Item (id, slug) VALUES ('b', NULL)")
  open.other.exec(
    "INSERT INTO Item (id, slug) VALUES ('c', 'x'); UPDATE OR REPLACE Item SET slug = NULL WHERE id = 'c'",
  )
  expect(told(await expectLogToBeTheTable(open))).toEqual([
    'created a 1',
    'deleted a 2',
    'created b 1',
    'created c 1',
    'deleted b 2',
    'updated c 2',
  ])
})

test('a row that is replaced because NULL becomes the default of the id is updated', async () => {
  const ddl = ITEM_TABLE.replace('id TEXT PRIMARY KEY', "id TEXT PRIMARY KEY NOT NULL DEFAULT 'z'")
  await using open = await openBoth('', { ddl })
  open.other.exec("INSERT INTO Item (title) VALUES ('one')")
  open.other.exec("INSERT OR REPLACE INTO Item (id, title) VALUES (NULL, 'two')")
  open.other.exec("INSERT INTO Item (id) VALUES ('a'); UPDATE OR REPLACE Item SET id = NULL WHERE id = 'a'")
  const changes = told(await expectLogToBeTheTable(open))
  expect(changes.slice(0, 3)).toEqual(['created z 1', 'updated z 2', 'created a 1'])
  expect(changes.slice(3).sort()).toEqual(['deleted a 2', 'updated z 3'])
})

test.each(['OFF', 'ON'])(
  'a row that goes because of one without an id is logged, the other is not (recursive_triggers %s)',
  async (recursive) => {
    await using open = await openBoth()
    open.other.exec(`PRAGMA recursive_triggers = ${recursive}`)
    open.other.exec("INSERT INTO Item (id, slug) VALUES ('a', 'x'), ('b', 'y'), ('c', 'z'), ('d', 'w')")
    open.other.exec("INSERT OR REPLACE INTO Item (id, slug) VALUES (NULL, 'x')")
    open.other.exec("UPDATE OR REPLACE Item SET slug = 'y' WHERE id IS NULL")
    open.other.exec("UPDATE OR REPLACE Item SET id = NULL, slug = 'z' WHERE id = 'd'")
    open.other.exec("UPDATE Item SET id = 'e' WHERE slug = 'z'; DELETE FROM Item WHERE id IS NULL")
    const changes = told(await expectLogToBeTheTable(open)).slice(4)
    expect([...changes.slice(0, 2), ...changes.slice(2, 4).sort(), ...changes.slice(4)]).toEqual([
      'deleted a 2',
      'deleted b 2',
      'deleted c 2',
      'deleted d 2',
      'created e 1',
    ])
  },
)

test('a unique column may have a quotation mark in its name', async () => {
  await using open = await openBoth('', { ddl: withColumn('"we""ird" TEXT UNIQUE') })
  open.other.exec(
    `INSERT INTO Item (id, "we""ird") VALUES ('a', 'x'); INSERT OR REPLACE INTO Item (id, "we""ird") VALUES ('b', 'x')`,
  )
  expect(told(await expectLogToBeTheTable(open))).toEqual(['created a 1', 'deleted a 2', 'created b 1'])
})

test('a BLOB for an id is refused with the reason, and one that is there already is left alone', async () => {
  await using open = await openBoth(
    "INSERT INTO Item (id, slug) VALUES (x'61', 'x'), (x'62', 'y'), (x'63', 'z'), ('d', 'w')",
  )
  const { other } = open
  const reason = 'Item.id is to be text, for captureTable to log the row, and not a BLOB'
  expect(() => other.exec("INSERT INTO Item (id) VALUES (x'64')")).toThrow(reason)
  expect(() => other.exec("UPDATE OR IGNORE Item SET id = x'64' WHERE id = 'd'")).toThrow(reason)
  other.exec(
    "UPDATE Item SET title = 'x' WHERE id = x'61'; UPDATE OR REPLACE Item SET slug = 'y' WHERE id = x'61'",
  )
  other.exec("DELETE FROM Item WHERE id = x'61'; UPDATE Item SET id = 'c' WHERE id = x'63'")
  expect(told(await changesAfter(open, open.start))).toEqual(['created c 1'])
})

test.each(['INSERT OR REPLACE', 'DELETE FROM Item WHERE id = NEW.id; INSERT'])(
  'a row that a trigger inserts again (%s) when it has been inserted goes on counting versions',
  async (insert) => {
    await using open = await openBoth()
    // Younger than ours, so that it comes first.
    open.other.exec(
      `CREATE TRIGGER again AFTER INSERT ON Item WHEN NEW.title = 'raw' BEGIN ${insert} INTO Item (id, title) VALUES (NEW.id, 'made'); END`,
    )
    const raw = "INSERT OR REPLACE INTO Item (id, title) VALUES ('a', 'raw')"
    for (const recursive of ['OFF', 'ON'])
      open.other.exec(`PRAGMA recursive_triggers = ${recursive}; ${raw}; ${raw}; DELETE FROM Item; ${raw}`)
    await open.items.create({ id: 'own', title: 'raw' })
    open.other.exec(`UPDATE Item SET rank = 1; ${raw}`)
    await expectLogToBeTheTable(open)
  },
)

test.each(['OFF', 'ON'])(
  'a row that a trigger makes again when it is deleted, and another one changes, goes on counting versions (recursive_triggers %s)',
  async (recursive) => {
    await using open = await openBoth()
    open.other.exec(`PRAGMA recursive_triggers = ${recursive};
      CREATE TRIGGER again AFTER DELETE ON Item BEGIN INSERT INTO Item (id) VALUES (OLD.id); END;
      CREATE TRIGGER stamp AFTER INSERT ON Item BEGIN UPDATE Item SET due = '2020-01-01T00:00:00.000Z' WHERE id = NEW.id; END`)
    await open.items.create({ id: 'own' })
    open.other.exec(
      "INSERT INTO Item (id, slug) VALUES ('a', 'x'); DELETE FROM Item; DELETE FROM Item WHERE id = 'a'",
    )
    await expectLogToBeTheTable(open)
  },
)
