import { defineEntity } from '@dnr/protocol'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createRealtimeRepository } from '../../src/index.ts'
import { openBoth, told } from '../support/captured.ts'
import { changesAfter, Item, ITEM_TABLE } from '../support/items.ts'

test('health() notices when any trigger of a captured table is gone, and migrate puts it back', async () => {
  await using open = await openBoth()
  const triggers = open.other
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'Item'")
    .pluck()
    .all() as string[]
  expect(await open.database.health()).toMatchObject({ ok: true })
  for (const name of triggers) {
    open.other.exec(`DROP TRIGGER ${name}`)
    expect(await open.database.health()).toMatchObject({
      ok: false,
      error: {
        code: 'storage_failed',
        message: expect.stringMatching(/"Item" has lost triggers.*repository of Item/s),
      },
    })
    await open.database.migrate([open.items])
    expect(await open.database.health()).toMatchObject({ ok: true })
  }
})

const Other = defineEntity('Other', z.object({ id: z.string() }))
const OTHER_TABLE = 'CREATE TABLE Item (id TEXT PRIMARY KEY, version INTEGER)'

/** Items move to another table, by its name and in their repository. */
async function openRenamed() {
  const open = await openBoth("INSERT INTO Item (id) VALUES ('a')")
  open.other.exec('ALTER TABLE Item RENAME TO Things')
  const { database } = open
  const things = createRealtimeRepository({ database, entity: Item, table: 'Things', captureTable: true })
  const others = createRealtimeRepository({ database, entity: Other, table: 'Item', captureTable: true })
  const schema = () =>
    open.other.prepare("SELECT name FROM sqlite_schema WHERE name GLOB 'dnr_images_*'").pluck().all()
  return { ...open, things, others, schema }
}

test('a captured table that is renamed together with its repository leaves nothing under its old name', async () => {
  await using open = await openRenamed()
  await open.database.migrate([open.things])
  open.other.exec("UPDATE Things SET title = 'x'; CREATE TABLE Item (x)")
  expect(told(await changesAfter(open, open.start))).toEqual(['updated a 2'])
  expect(await open.database.health()).toMatchObject({ ok: true })
  expect(open.schema()).toEqual(['dnr_images_Things'])
})

test.each(['before', 'after'])(
  'a table that takes the old name of a captured one can be captured in the same migrate (%s it)',
  async (order) => {
    await using open = await openRenamed()
    open.other.exec(OTHER_TABLE)
    const { things, others } = open
    await open.database.migrate(order === 'before' ? [others, things] : [things, others])
    open.other.exec("UPDATE Things SET title = 'x'; INSERT INTO Item (id) VALUES ('b')")
    expect(told(await changesAfter(open, open.start))).toEqual(['updated a 2'])
    expect(told(await changesAfter(open, open.start, 'Other'))).toEqual(['created b 1'])
    expect(await open.database.health()).toMatchObject({ ok: true })
  },
)

test('a file in which a renamed table is still noted under both names heals', async () => {
  await using open = await openRenamed()
  await open.database.migrate([open.things])
  open.other.exec(`CREATE TABLE Item (x); INSERT INTO dnr_captured_tables VALUES ('Item', 'Item')`)
  expect(await open.database.health()).toMatchObject({ ok: false })
  await open.database.migrate([open.things])
  expect(await open.database.health()).toMatchObject({ ok: true })
})

test('capture of a renamed table can be switched off', async () => {
  await using open = await openRenamed()
  await open.database.migrate([
    createRealtimeRepository({ database: open.database, entity: Item, table: 'Things' }),
  ])
  open.other.exec(`UPDATE Things SET title = 'x'; ${ITEM_TABLE}`)
  expect(await changesAfter(open, open.start)).toEqual([])
  expect(open.schema()).toEqual([])
  expect(await open.database.health()).toMatchObject({ ok: true })
})

test('a captured table that is called the same in other letters, by itself and by its repository, goes on being captured', async () => {
  await using open = await openBoth()
  const { database, other } = open
  const migrate = (table: string, captureTable: boolean) =>
    database.migrate([createRealtimeRepository({ database, entity: Item, table, captureTable })])
  other.exec(
    "ALTER TABLE Item RENAME TO aside; ALTER TABLE aside RENAME TO item; INSERT INTO Item (id) VALUES ('a')",
  )
  for (const name of ['Item', 'item', 'ITEM']) {
    await migrate(name, true)
    other.exec('UPDATE item SET rank = 1')
    expect(await database.health()).toMatchObject({ ok: true })
  }
  expect(told(await changesAfter(open, open.start))).toEqual([
    'created a 1',
    'updated a 2',
    'updated a 3',
    'updated a 4',
  ])
  await migrate('item', false)
  expect(
    other.prepare("SELECT name FROM sqlite_schema WHERE type = 'view' OR name GLOB 'dnr_capture_*'").all(),
  ).toEqual([])
  expect(await database.health()).toMatchObject({ ok: true })
})
