import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { openBoth, told, transactionsOf } from '../support/captured.ts'
import { temporaryFile } from '../support/database.ts'
import { makeEndlessTransaction } from '../support/endless-transaction.ts'
import { changesAfter, expectLogToBeTheTable, ITEM_TABLE, openItems } from '../support/items.ts'
import { openOther } from '../support/other-handle.ts'

/** Keeps the first row, and fails for the second. */
const OR_FAIL = "INSERT OR FAIL INTO Item (id, slug) VALUES ('a', 'x'), ('b', 'x')"

function failHalfway(handle: Database.Database): void {
  expect(() => handle.exec(OR_FAIL)).toThrow(/UNIQUE/)
}

test('after OR FAIL that kept rows, each statement is a transaction of its own', async () => {
  await using open = await openBoth()
  failHalfway(open.other)
  open.other.exec("UPDATE Item SET rank = 1; INSERT INTO Item (id) VALUES ('c'), ('d')")
  await open.items.create({ id: 'own' })
  open.other.exec('DELETE FROM Item')
  const changes = await expectLogToBeTheTable(open)
  expect(told(changes.slice(0, 5))).toEqual([
    'created a 1',
    'updated a 2',
    'created c 1',
    'created d 1',
    'created own 1',
  ])
  expect(transactionsOf(changes)).toEqual([1, 2, 3, 3, 5, 6, 6, 6, 6])
})

test('two statements with OR FAIL after each other are two transactions', async () => {
  await using open = await openBoth()
  failHalfway(open.other)
  expect(() =>
    open.other.exec("INSERT OR FAIL INTO Item (id, slug) VALUES ('c', 'y'), ('d', 'z'), ('b', 'x')"),
  ).toThrow()
  open.other.exec('UPDATE Item SET rank = 1')
  expect(transactionsOf(await expectLogToBeTheTable(open))).toEqual([1, 2, 2, 4, 4, 4])
})

test('statements of a transaction that begins with OR FAIL, or goes back to a savepoint before it, are several', async () => {
  await using open = await openBoth()
  open.other.exec('BEGIN; SAVEPOINT one')
  failHalfway(open.other)
  open.other.exec('ROLLBACK TO one')
  failHalfway(open.other)
  open.other.exec("UPDATE Item SET rank = 1; INSERT INTO Item (id) VALUES ('c'), ('d'); COMMIT")
  open.other.exec('UPDATE Item SET rank = 2')
  expect(transactionsOf(await expectLogToBeTheTable(open))).toEqual([1, 2, 3, 3, 5, 5, 5])
})

test('after a trigger that says RAISE(FAIL), each statement is a transaction of its own', async () => {
  await using open = await openBoth(
    "CREATE TRIGGER guard BEFORE INSERT ON Item WHEN NEW.title = 'no' BEGIN SELECT RAISE(FAIL, 'no'); END",
  )
  expect(() => open.other.exec("INSERT INTO Item (id, title) VALUES ('a', 'yes'), ('b', 'no')")).toThrow(/no/)
  open.other.exec("INSERT INTO Item (id) VALUES ('c')")
  expect(transactionsOf(await expectLogToBeTheTable(open))).toEqual([1, 2])
})

test('after DELETE FROM sqlite_sequence, each statement is a transaction of its own', async () => {
  await using open = await openBoth()
  open.other.exec("INSERT INTO Item (id) VALUES ('a'); INSERT INTO Item (id) VALUES ('b')")
  open.other.exec('DELETE FROM sqlite_sequence')
  open.other.exec('UPDATE Item SET rank = 1; UPDATE Item SET rank = 2; UPDATE Item SET rank = 3')
  expect(transactionsOf(await expectLogToBeTheTable(open))).toEqual([1, 2, 3, 3, 5, 5, 7, 7])
})

test('of whichever OR a statement has, its rows and what triggers add are one transaction', async () => {
  await using open = await openBoth(
    `CREATE TRIGGER mark AFTER INSERT ON Item WHEN NEW.title IS NULL BEGIN UPDATE OR REPLACE Item SET title = 'x' WHERE id = NEW.id; END`,
  )
  for (const or of ['', 'OR IGNORE', 'OR REPLACE', 'OR FAIL', 'OR ABORT', 'OR ROLLBACK'])
    open.other.exec(`INSERT ${or} INTO Item (id) VALUES ('${or} 1'), ('${or} 2')`)
  const changes = await expectLogToBeTheTable(open)
  const firsts = [...new Set(transactionsOf(changes))]
  expect(firsts).toHaveLength(6)
  for (const first of firsts) {
    const ids = changes.filter(({ transaction }) => transaction === first).map(({ id }) => id)
    expect(new Set(ids.map((id) => id.slice(0, -2)))).toHaveLength(1)
  }
})

test('after OR FAIL, trim removes what is surplus', async () => {
  await using open = await openBoth()
  failHalfway(open.other)
  for (let i = 0; i < 10; i++) await open.items.create({ id: `own${i}` })
  open.other.exec("INSERT INTO Item (id) VALUES ('c'), ('d')")
  expect(await open.database.changeLog.trim({ keep: 2 })).toMatchObject({ removedChanges: 11 })
})

test('after OR FAIL, a relay that was behind hands on every change, as whole transactions', async () => {
  await using open = await openBoth()
  const taken: number[][] = []
  let isDown = true
  const relay = open.database.startRelay({
    publish(changes) {
      if (isDown) throw new Error('down')
      taken.push(changes.map(({ position }) => position.offset))
    },
  })
  await relay.flush()
  failHalfway(open.other)
  // With those before and after it more than a page of the log.
  await open.items.createMany(Array.from({ length: 499 }, (_, i) => ({ id: `own${i}` })))
  open.other.exec("INSERT INTO Item (id) VALUES ('c')")
  isDown = false
  await relay.flush()
  expect(taken.map(({ length }) => length)).toEqual([1, 499, 1])
  expect(taken.flat()).toEqual(Array.from({ length: 501 }, (_, i) => i + 1))
})

test('a file in which OR FAIL made later statements one transaction: they are parted, and new ones are their own', async () => {
  using file = temporaryFile()
  makeEndlessTransaction(file.path)
  using other = openOther(file.path)
  await using open = await openItems(file.path, { ddl: '' })
  const start = { epoch: 'first', offset: 0 }
  expect(transactionsOf(await changesAfter(open, start))).toEqual([1, 2, 3, 3, 5, 6, 6, 6])
  other.exec("UPDATE Item SET rank = 1; UPDATE Item SET rank = 2 WHERE id > 'a'")
  const changes = await expectLogToBeTheTable({ ...open, start })
  expect(transactionsOf(changes).slice(8)).toEqual([9, 9, 9, 9, 13, 13, 13])
  expect(changes.filter(({ last }) => last).map(({ position }) => position.offset)).toEqual([
    1, 2, 4, 5, 8, 12, 15,
  ])
})

test('pages of a log with an interrupted transaction, and trims of it, miss nothing', async () => {
  using file = temporaryFile()
  await using open = await openItems(file.path, { ddl: ITEM_TABLE })
  for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) await open.items.create({ id })
  // As triggers of an earlier version left it, which may still be in use.
  open.handle.exec('UPDATE dnr_change_log SET transaction_offset = 1 WHERE "offset" IN (4, 5)')
  for (const limit of [1, 2, 3, 4, 5]) {
    const read: string[] = []
    for (let after = { ...open.start, offset: 0 }, more = true; more;) {
      const page = await open.database.changeLog.read({ after, entity: 'Item', limit })
      if (!page.holds) throw new Error(page.reason)
      read.push(...page.changes.map(({ id }) => id))
      after = page.position
      more = page.more
    }
    expect(read).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  }
  expect(await open.database.changeLog.trim({ keep: 3 })).toMatchObject({ floor: 3 })
  expect(await open.database.changeLog.trim({ keep: 2 })).toMatchObject({ floor: 3 })
  expect(await open.database.changeLog.trim({ keep: 1 })).toMatchObject({ floor: 5 })
})
