import { createManualClock } from '@dnr/testing'
import Database from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import type { Change } from '@dnr/protocol'
import { type DatabaseTransaction, openDatabase } from '../../src/index.ts'
import { codeOf, openTasks, temporaryFile } from '../support/database.ts'
import { changesAfter, type OpenItems, openItems } from '../support/items.ts'

const turn = () => new Promise((resolve) => void setImmediate(resolve))

test('all changes of a transaction commit together and are one transaction of the log', async () => {
  await using open = await openTasks()
  const published: number[] = []
  const relay = open.database.startRelay({ publish: (changes) => void published.push(changes.length) })
  const result = await open.database.transaction(async (tx) => {
    const tasks = open.tasks.within(tx)
    const { id } = await tasks.create({ title: 'a' })
    await tasks.update(id, { title: 'b' })
    expect((await tasks.find()).rows).toHaveLength(1)
    expect(await tasks.get(id)).toMatchObject({ title: 'b' })
    expect((await tx.query(open.database.kysely.selectFrom('Task').selectAll())).length).toBe(1)
    return id
  })
  await relay.flush()
  expect(published).toEqual([2])
  expect(await open.tasks.get(result)).toMatchObject({ title: 'b', version: 2 })
})

test('what the callback throws rolls everything back, publishes nothing and comes out unchanged', async () => {
  await using open = await openTasks()
  const published: unknown[] = []
  const relay = open.database.startRelay({ publish: (changes) => void published.push(changes) })
  const error = new TypeError('mine')
  await expect(
    open.database.transaction(async (tx) => {
      await open.tasks.within(tx).create({ title: 'a' })
      throw error
    }),
  ).rejects.toBe(error)
  await relay.flush()
  expect(published).toEqual([])
  expect((await open.tasks.find()).rows).toEqual([])
  expect((await open.database.changeLog.head()).offset).toBe(0)
})

test('a call that fails inside a transaction is undone alone', async () => {
  await using open = await openTasks()
  await open.database.transaction(async (tx) => {
    const tasks = open.tasks.within(tx)
    await tasks.create({ id: 'a', title: 'x' })
    expect(await codeOf(tasks.create({ id: 'a', title: 'y' }))).toBe('id_taken')
    await tasks.create({ id: 'b', title: 'x' })
  })
  const { rows } = await open.tasks.find()
  expect(rows.map(({ id, title }) => [id, title])).toEqual([
    ['a', 'x'],
    ['b', 'x'],
  ])
  expect((await open.database.changeLog.head()).offset).toBe(2)
})

test.each(['file', 'memory'])('nobody sees the rows of an open transaction (%s)', async (kind) => {
  using file = temporaryFile()
  await using open = await openTasks(kind === 'file' ? { path: file.path } : {})
  const order: string[] = []
  let release = (): void => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  const transaction = open.database.transaction(async (tx) => {
    await open.tasks.within(tx).create({ id: 'a', title: 'x' })
    await held
    order.push('committed')
  })
  await turn()
  await turn()
  const reads = Promise.all([
    open.tasks.find().then(({ rows }) => rows.length),
    open.tasks.get('a').then((row) => (row === null ? 0 : 1)),
    open.database.kysely
      .selectFrom('Task')
      .selectAll()
      .execute()
      .then((rows) => rows.length),
    open.database.changeLog.head().then(({ offset }) => offset),
  ]).then((seen) => {
    order.push('read')
    return seen
  })
  const write = open.tasks.create({ id: 'b', title: 'y' }).then(() => order.push('written'))
  await turn()
  await turn()
  release()
  await Promise.all([transaction, write])
  const counts = await reads
  // A file is read beside the transaction; in memory there is one connection, and reads wait for it.
  expect(counts).toEqual(kind === 'file' ? [0, 0, 0, 0] : [1, 1, 1, 1])
  expect(order).toEqual(kind === 'file' ? ['read', 'committed', 'written'] : ['committed', 'read', 'written'])
})

test('a transaction that stays open too long is rolled back, and says what to do', async () => {
  const clock = createManualClock()
  await using open = await openTasks({ clock })
  let inside: DatabaseTransaction | undefined
  const stuck = open.database
    .transaction(
      async (tx) => {
        inside = tx
        await open.tasks.within(tx).create({ title: 'a' })
        await open.tasks.create({ title: 'not within: waits for it' })
      },
      { timeoutMs: 1_000 },
    )
    .catch((error: unknown) => error)
  await clock.advance(1_000)
  expect(await stuck).toMatchObject({
    code: 'transaction_timeout',
    message: expect.stringContaining('within(tx)'),
  })
  // The call outside the transaction is a write of its own: it was only waiting.
  await turn()
  expect((await open.tasks.snapshot()).rows.map(({ title }) => title)).toEqual(['not within: waits for it'])
  if (inside === undefined) throw new Error('not run')
  expect(await codeOf(open.tasks.within(inside).create({ title: 'late' }))).toBe('transaction_timeout')
})

test('a transaction that is over takes no more calls, and another database’s takes none', async () => {
  await using open = await openTasks()
  await using other = await openTasks()
  let kept: DatabaseTransaction | undefined
  await open.database.transaction(async (tx) => {
    kept = tx
    expect(() => other.tasks.within(tx)).toThrow(/within\(tx\)/)
  })
  if (kept === undefined) throw new Error('not run')
  expect(await codeOf(open.tasks.within(kept).create({ title: 'late' }))).toBe('closed')
})

test('a callback that throws at once is an ordinary failure', async () => {
  await using open = await openTasks()
  await expect(
    open.database.transaction(() => {
      throw new RangeError('at once')
    }),
  ).rejects.toThrow('at once')
  expect(await open.tasks.create({ title: 'x' })).toMatchObject({ version: 1 })
})

test('reads of a transaction cannot write', async () => {
  await using open = await openTasks()
  const code = codeOf(open.database.transaction((tx) => tx.query(open.database.kysely.deleteFrom('Task'))))
  expect(await code).toBe('bad_option')
})

describe.each([false, true])('SQL on the handle that was given to DNR (captured: %s)', (captureTable) => {
  /** What a relay hears of one transaction, what the log has of it, and whether the file is opened again. */
  async function run(work: (exec: (sql: string) => void, items: OpenItems['items']) => Promise<void>) {
    using file = temporaryFile({ inMemory: true })
    const heard: string[] = []
    const tell = ({ position, id, transaction, last }: Change): string =>
      `${position.offset} ${id} of ${transaction}${last ? '.' : ''}`
    let logged: readonly Change[] = []
    {
      await using open = await openItems(file.path, { captureTable })
      const relay = open.database.startRelay({ publish: (changes) => void heard.push(...changes.map(tell)) })
      await open.database.transaction((tx) =>
        work((sql) => void open.handle.exec(sql), open.items.within(tx) as never),
      )
      await relay.flush()
      logged = await changesAfter(open, { ...open.start, offset: 0 })
    }
    expect(logged.map(tell)).toEqual(heard)
    const again = new Database(file.path)
    await openDatabase({ handle: again }).close()
    again.close()
    return heard
  }

  test('a savepoint that is gone back to takes its writes out of the log and out of what is heard', async () => {
    const heard = await run(async (exec, items) => {
      await items.create({ id: 'a' })
      exec('SAVEPOINT mine')
      await items.create({ id: 'b' })
      await items.create({ id: 'c' })
      exec('ROLLBACK TO mine')
      await items.create({ id: 'd' })
    })
    expect(heard).toEqual(['1 a of 1', '2 d of 1.'])
  })

  test('also when nothing follows, or something else stands at its offsets', async () => {
    const heard = await run(async (exec, items) => {
      await items.create({ id: 'a' })
      exec('SAVEPOINT mine')
      await items.create({ id: 'b' })
      exec("ROLLBACK TO mine; INSERT INTO Item (id) VALUES ('c')")
    })
    expect(heard).toEqual(captureTable ? ['1 a of 1', '2 c of 1.'] : ['1 a of 1.'])
  })

  test.each(['COMMIT', 'ROLLBACK'])('%s ends it, and nothing more is written', async (command) => {
    using file = temporaryFile({ inMemory: true })
    await using open = await openItems(file.path, { captureTable })
    const ended = open.database.transaction(async (tx) => {
      await open.items.within(tx).create({ id: 'a' })
      open.handle.exec(command)
      await open.items.within(tx).create({ id: 'b' })
    })
    expect(await codeOf(ended)).toBe('bad_option')
    expect(await open.items.get('b')).toBeNull()
    expect(await codeOf(open.items.create({ id: 'c' }))).toBe('resolved')
  })
})
