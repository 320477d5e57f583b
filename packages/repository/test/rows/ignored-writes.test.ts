import { expect, test } from 'vitest'
import { codeOf } from '../support/database.ts'
import { expectLogToBeTheTable, ITEM_TABLE, openItems } from '../support/items.ts'

/** Ignores whatever is done to rows whose title is "locked", and notes that it was tried. */
const GUARDS = ['INSERT', 'UPDATE', 'DELETE']
  .map((event) => {
    const row = event === 'INSERT' ? 'NEW' : 'OLD'
    return `CREATE TRIGGER guard_${event} BEFORE ${event} ON Item WHEN ${row}.title = 'locked' BEGIN
      INSERT INTO Attempt VALUES ('${event}'); SELECT RAISE(IGNORE); END`
  })
  .join(';\n')

async function openGuarded(captureTable: boolean) {
  const open = await openItems(':memory:', { ddl: ITEM_TABLE, captureTable })
  await open.items.createMany([{ id: 'free' }, { id: 'held', title: 'locked' }])
  open.handle.exec(`CREATE TABLE Attempt (event TEXT); ${GUARDS}`)
  return open
}

const told = (changes: readonly { readonly operation: string; readonly id: string }[]) =>
  changes.map(({ operation, id }) => `${operation} ${id}`)

test.each([true, false])(
  'a write that a trigger of the table ignores is refused, and is not in the log (captured: %s)',
  async (captureTable) => {
    await using open = await openGuarded(captureTable)
    await expect(open.items.create({ id: 'new', title: 'locked' })).rejects.toMatchObject({
      code: 'bad_field',
      message: expect.stringContaining('ignored'),
    })
    expect(await codeOf(open.items.update('held', { rank: 1 }))).toBe('bad_field')
    expect(await codeOf(open.items.delete('held'))).toBe('bad_field')
    expect(await open.items.get('held')).toMatchObject({ version: 1 })
    expect(told(await expectLogToBeTheTable(open))).toEqual(['created free', 'created held'])
    await open.items.update('free', { rank: 1 })
    expect(told(await expectLogToBeTheTable(open)).at(-1)).toBe('updated free')
  },
)

test('one ignored row undoes its bulk call, which names it, and not the transaction around that', async () => {
  await using open = await openGuarded(true)
  await open.database.transaction(async (tx) => {
    const items = open.items.within(tx)
    const refused = { code: 'bad_field', details: { index: 1 } }
    const rows = [{ id: 'a' }, { id: 'b', title: 'locked' }]
    await expect(items.createMany(rows)).rejects.toMatchObject(refused)
    await expect(items.updateMany({ where: {} }, { rank: 1 })).rejects.toMatchObject(refused)
    await expect(items.deleteMany(['free', 'held'])).rejects.toMatchObject(refused)
    expect(await codeOf(items.update('held', { rank: 1 }))).toBe('bad_field')
    await items.update('free', { rank: 2 })
  })
  expect(told(await expectLogToBeTheTable(open))).toEqual(['created free', 'created held', 'updated free'])
  expect(await open.items.get('free')).toMatchObject({ rank: 2, version: 2 })
})

test('what a column declared ON CONFLICT IGNORE passes over is refused; of an id, it is taken', async () => {
  await using open = await openItems(':memory:', {
    captureTable: false,
    ddl: ITEM_TABLE.replace('id TEXT PRIMARY KEY', 'id TEXT PRIMARY KEY ON CONFLICT IGNORE').replace(
      'slug TEXT UNIQUE',
      'slug TEXT UNIQUE ON CONFLICT IGNORE',
    ),
  })
  await open.items.createMany([{ id: 'a', slug: 'x' }, { id: 'b' }])
  expect(await codeOf(open.items.create({ id: 'c', slug: 'x' }))).toBe('bad_field')
  expect(await codeOf(open.items.update('b', { slug: 'x' }))).toBe('bad_field')
  expect(await codeOf(open.items.create({ id: 'a', slug: 'y' }))).toBe('id_taken')
  expect(told(await expectLogToBeTheTable(open))).toEqual(['created a', 'created b'])
})

test('a row that a trigger takes away just before its own deletion is deleted', async () => {
  await using open = await openItems(':memory:', {
    captureTable: false,
    ddl: `${ITEM_TABLE}; CREATE TRIGGER first BEFORE DELETE ON Item BEGIN DELETE FROM Item WHERE id = OLD.id; END`,
  })
  await open.items.create({ id: 'a' })
  await open.items.delete('a')
  expect(told(await expectLogToBeTheTable(open))).toEqual(['created a', 'deleted a'])
})
