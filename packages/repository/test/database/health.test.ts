import { copyFileSync, renameSync, rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { openTasks, temporaryFile } from '../support/database.ts'
import { ITEM_TABLE, openItems } from '../support/items.ts'
import { openOther } from '../support/other-handle.ts'

test('a file that another was moved over is not healthy: what is open goes on with one that nobody finds', async () => {
  using file = temporaryFile()
  await using open = await openTasks({ path: file.path })
  copyFileSync(file.path, `${file.path}.copy`)
  expect(await open.database.health()).toMatchObject({ ok: true, error: null })
  renameSync(`${file.path}.copy`, file.path)
  expect(await open.database.health()).toMatchObject({
    ok: false,
    error: { code: 'storage_failed', message: expect.stringMatching(/replaced.*start them again/s) },
  })
  rmSync(file.path)
  expect(await open.database.health()).toMatchObject({ ok: false, error: { code: 'storage_failed' } })
})

test('a database in memory has no file that could be replaced', async () => {
  await using open = await openTasks()
  expect(await open.database.health()).toMatchObject({ ok: true })
})

/** As SQLite’s manual says that a table is to be changed where ALTER TABLE cannot. */
const REBUILD = `PRAGMA legacy_alter_table = ON; BEGIN; ${ITEM_TABLE.replace('Item', 'NewItem')};
  INSERT INTO NewItem SELECT * FROM Item; DROP TABLE Item; ALTER TABLE NewItem RENAME TO Item; COMMIT`

test('a captured table that was rebuilt by hand is not healthy until migrate, and verify finds what was written meanwhile', async () => {
  using file = temporaryFile()
  await using open = await openItems(file.path, { ddl: ITEM_TABLE })
  using other = openOther(file.path)
  expect(await open.database.health()).toMatchObject({ ok: true })
  other.exec(REBUILD)
  other.exec("INSERT INTO Item (id) VALUES ('unheard')")
  expect(await open.database.health()).toMatchObject({
    ok: false,
    error: { code: 'storage_failed', message: expect.stringMatching(/"Item".*migrate.*verify/s) },
  })
  await open.database.migrate([open.items])
  expect(await open.database.health()).toMatchObject({ ok: true, error: null })
  expect(await open.database.verify([open.items])).toMatchObject({
    differences: [{ entity: 'Item', id: 'unheard' }],
  })
})

test('a captured table that was dropped is no trouble', async () => {
  using file = temporaryFile()
  await using open = await openItems(file.path, { ddl: ITEM_TABLE })
  using other = openOther(file.path)
  other.exec('DROP TABLE Item')
  expect(await open.database.health()).toMatchObject({ ok: true })
})
