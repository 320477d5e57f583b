import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { createRealtimeRepository } from '../../src/index.ts'
import { createHeadMemory } from '../../src/write/head-memory.ts'
import { codeOf, openTasks, type OpenTasks, Task, temporaryFile } from '../support/database.ts'

const offsetOf = async ({ tasks }: OpenTasks, id: string): Promise<number> =>
  (await tasks.mutate({ operation: 'create', id, fields: { title: 'x' } })).position.offset

test('two databases on one file that write in turn each go on where the other stopped, in the epoch that began last', async () => {
  using file = temporaryFile({ inMemory: true })
  await using one = await openTasks({ path: file.path, createEpoch: () => 'one' })
  expect([await offsetOf(one, 'a'), await offsetOf(one, 'b')]).toEqual([1, 2])
  await using two = await openTasks({ path: file.path, createEpoch: () => 'two' })

  expect([await offsetOf(two, 'c'), await offsetOf(one, 'd'), await offsetOf(one, 'e')]).toEqual([3, 4, 5])
  expect([await offsetOf(two, 'f'), await offsetOf(one, 'g')]).toEqual([6, 7])
  expect(await one.database.changeLog.head()).toEqual({ epoch: 'two', offset: 7 })
})

test('what a commit left is given to the next transaction, once, and only if no other connection has committed', () => {
  using file = temporaryFile({ inMemory: true })
  const handles = [new Database(file.path), new Database(file.path)] as const
  handles[0].exec('PRAGMA journal_mode = WAL; CREATE TABLE t (x)')
  const memory = createHeadMemory(handles[0])
  const end = { epoch: 'e', offset: 7, captures: 0, leftovers: 0 }
  const takeAfter = (action: () => void): unknown => {
    memory.take()
    memory.keep(end)
    action()
    return memory.take()
  }
  expect(takeAfter(() => handles[0].exec('INSERT INTO t VALUES (1)'))).toEqual(end)
  // Whether a transaction whose COMMIT failed is in the file, only the file knows.
  expect(memory.take()).toBe(null)
  expect(takeAfter(() => handles[1].exec('INSERT INTO t VALUES (2)'))).toBe(null)
  expect(takeAfter(() => memory.forget())).toBe(null)
  for (const handle of handles) handle.close()
})

test('writes that fail, and transactions that are undone, use no offset', async () => {
  await using open = await openTasks()
  const { database, tasks } = open
  await offsetOf(open, 'a')
  expect(await codeOf(offsetOf(open, 'a') as Promise<unknown>)).toBe('id_taken')
  expect(await offsetOf(open, 'b')).toBe(2)
  const undone = database.transaction(async (tx) => {
    await tasks.within(tx).create({ title: 'x' })
    throw new Error('undone')
  })
  await expect(undone).rejects.toThrow('undone')
  expect(await offsetOf(open, 'c')).toBe(3)
  const together = ['d', 'a', 'e'].map((id) => offsetOf(open, id))
  expect((await Promise.allSettled(together)).map(({ status }) => status)).toEqual([
    'fulfilled',
    'rejected',
    'fulfilled',
  ])
  expect(await offsetOf(open, 'f')).toBe(6)
})

test('a log that was trimmed to its end goes on after it', async () => {
  await using open = await openTasks()
  expect([await offsetOf(open, 'a'), await offsetOf(open, 'b')]).toEqual([1, 2])
  await open.database.changeLog.trim({ keep: 0 })
  expect([await offsetOf(open, 'c'), await offsetOf(open, 'd')]).toEqual([3, 4])
})

test('capture that is switched on between two writes counts from the next one on', async () => {
  using file = temporaryFile({ inMemory: true })
  await using open = await openTasks({ path: file.path })
  const { database } = open
  await offsetOf(open, 'a')
  await database.migrate([createRealtimeRepository({ database, entity: Task, captureTable: true })])
  // Its own writes are logged once, though the triggers see them, too.
  expect([await offsetOf(open, 'b'), await offsetOf(open, 'c')]).toEqual([2, 3])

  const handle = new Database(file.path)
  handle.exec(`UPDATE Task SET title = 'by hand' WHERE id = 'b'`)
  handle.close()
  expect([await offsetOf(open, 'd'), await offsetOf(open, 'e')]).toEqual([5, 6])
})
