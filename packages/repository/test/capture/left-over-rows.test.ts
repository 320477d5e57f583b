import { expect, test } from 'vitest'
import { openBoth, told } from '../support/captured.ts'
import { expectLogToBeTheTable } from '../support/items.ts'

const TWO = "INSERT INTO Item (id, slug) VALUES ('c', 'z'), ('a', 'y')"
/** Nothing comes of it; but both rows stand in its way, and what they are is kept. */
const NOTHING = "INSERT OR IGNORE INTO Item (id, slug) VALUES ('c', 'y')"

test('a row that stood in the way of another once, and then replaces it under recursive_triggers, is logged', async () => {
  await using open = await openBoth()
  open.other.exec(`PRAGMA recursive_triggers = ON; ${TWO}; ${NOTHING}`)
  open.other.exec("UPDATE OR REPLACE Item SET slug = 'z' WHERE id = 'a'")
  expect(told(await expectLogToBeTheTable(open))).toEqual([
    'created c 1',
    'created a 1',
    'deleted c 2',
    'updated a 2',
  ])
})

test('a row that stood in the way of another once, and then takes its id under recursive_triggers, is logged', async () => {
  await using open = await openBoth('CREATE UNIQUE INDEX part ON Item (title) WHERE done = 1')
  open.other.exec("PRAGMA recursive_triggers = ON; INSERT INTO Item (id, title, done) VALUES ('a', 't', 1)")
  open.other.exec("INSERT INTO Item (id, title, done) VALUES ('b', 't', 0)")
  open.other.exec("UPDATE OR REPLACE Item SET id = 'b' WHERE id = 'a'")
  const changes = told(await expectLogToBeTheTable(open))
  expect(changes.slice(2).sort()).toEqual(['created b 3', 'deleted a 2', 'deleted b 2'])
})

test.each(['BEFORE', 'AFTER'])(
  'a row that stood in the way of another once, whose update deletes that other (%s), is logged',
  async (moment) => {
    await using open = await openBoth(
      `CREATE TRIGGER tidy ${moment} UPDATE OF title ON Item WHEN NEW.id = 'a' BEGIN DELETE FROM Item WHERE id = 'c'; END`,
    )
    open.other.exec(`${TWO}; ${NOTHING}; UPDATE Item SET title = 'new' WHERE id = 'a'`)
    expect(told(await expectLogToBeTheTable(open)).sort()).toEqual([
      'created a 1',
      'created c 1',
      'deleted c 2',
      'updated a 2',
    ])
  },
)

test('a row that stood in the way of an upsert once, and then goes and comes again in one statement, is logged', async () => {
  await using open = await openBoth()
  const upsert = "INSERT INTO Item (id) VALUES ('a') ON CONFLICT DO UPDATE SET rank = 1"
  open.other.exec(`INSERT INTO Item (id, slug) VALUES ('a', 'x'); ${upsert}`)
  open.other.exec(
    "CREATE TRIGGER back AFTER INSERT ON Item WHEN NEW.title = 't' BEGIN INSERT OR REPLACE INTO Item (id, slug) VALUES ('a', 'x'); END",
  )
  open.other.exec("INSERT OR REPLACE INTO Item (id, slug, title) VALUES ('b', 'x', 't')")
  expect(told(await expectLogToBeTheTable(open))).toEqual(['created a 1', 'updated a 2', 'updated a 3'])
})
