// A transaction of more than `maxWholeChanges` comes in parts, in its place among the others.
import type { Change } from '@dnr/protocol'
import { createManualClock } from '@dnr/testing'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { createRealtimeRepository, openDatabase } from '../../src/index.ts'
import { openTasks, Task, temporaryFile } from '../support/database.ts'

const ids = (from: number, count: number): { id: string; title: string }[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `t${String(from + index).padStart(4, '0')}`,
    title: 'x',
  }))

/** What each call held: offsets, and whether it ended a transaction. */
function createSink() {
  const calls: string[] = []
  const sink = {
    calls,
    failures: 0,
    offsets: [] as number[],
    /** Called before each call is taken. */
    before: (): void | Promise<void> => {},
    async publish(changes: readonly Change[]) {
      await sink.before()
      if (sink.failures-- > 0) throw new Error('not now')
      const end = changes.at(-1)
      calls.push(`${changes[0]?.position.offset}–${end?.position.offset}${end?.last === true ? '.' : ' …'}`)
      sink.offsets.push(...changes.map(({ position }) => position.offset))
    },
  }
  return sink
}

test('from memory: in parts, and those before and after it whole', async () => {
  await using open = await openTasks({ maxWholeChanges: 3 })
  const sink = createSink()
  const relay = open.database.startRelay(sink)
  await open.tasks.createMany(ids(0, 2))
  await open.tasks.createMany(ids(10, 7))
  await open.tasks.createMany(ids(20, 3))
  await relay.flush()
  expect(sink.calls).toEqual(['1–2.', '3–5 …', '6–8 …', '9–9.', '10–12.'])
})

test('from the log: SQL on a captured table changes 2,500 rows, and the event loop turns between the parts', async () => {
  using file = temporaryFile()
  const clock = createManualClock()
  const database = openDatabase({ path: file.path, clock })
  await using _closing = { [Symbol.asyncDispose]: () => database.close() }
  const tasks = createRealtimeRepository({ database, entity: Task, captureTable: true })
  await database.migrate([tasks])
  for (let each = 0; each < 5; each++) await tasks.createMany(ids(each * 500, 500))
  const sink = createSink()
  let turns = 0
  let isOver = false
  const count = (): void => {
    turns++
    if (!isOver) setImmediate(count)
  }
  const relay = database.startRelay(sink)
  await relay.flush()
  const other = new Database(file.path)
  other.exec('UPDATE Task SET done = 1')
  other.close()
  setImmediate(count)
  await relay.flush()
  isOver = true
  expect(sink.calls).toEqual(['2501–3000 …', '3001–3500 …', '3501–4000 …', '4001–4500 …', '4501–5000.'])
  expect(turns).toBeGreaterThanOrEqual(4)
})

test('a sink that throws in the middle gets the same part again, and the log is not trimmed within it', async () => {
  using file = temporaryFile()
  const clock = createManualClock()
  await using open = await openTasks({ path: file.path, clock, random: () => 0.5, maxWholeChanges: 2 })
  const sink = createSink()
  const relay = open.database.startRelay(sink)
  await open.tasks.create({ title: 'before' })
  await relay.flush()
  sink.before = () => {
    if (sink.calls.length !== 2) return
    sink.before = () => {}
    sink.failures = 2
  }
  await open.tasks.createMany(ids(0, 6))
  const flushed = relay.flush()
  while (sink.failures < 1) await new Promise((resolve) => void setImmediate(resolve))
  // The first part has been taken; whoever is told of the transaction at its end still has to read it.
  expect((await open.database.changeLog.trim({ keep: 0 })).floor).toBe(1)
  await clock.advance(10_000)
  await flushed
  expect(sink.offsets).toEqual([1, 2, 3, 4, 5, 6, 7])
  expect(sink.calls).toEqual(['1–1.', '2–3 …', '4–5 …', '6–7.'])
  expect((await open.database.changeLog.trim({ keep: 0 })).floor).toBe(7)
})

test('its history is read in pages that are cut within it, and that of shorter ones is not', async () => {
  await using open = await openTasks({ maxWholeChanges: 4 })
  await open.tasks.createMany(ids(0, 4))
  await open.tasks.createMany(ids(10, 5))
  await open.tasks.createMany(ids(20, 1))
  const pages: unknown[] = []
  let after = { ...(await open.database.changeLog.head()), offset: 0 }
  for (let more = true; more;) {
    const page = await open.database.changeLog.read({ after, entity: 'Task', limit: 2 })
    if (!page.holds) throw new Error(page.reason)
    pages.push([
      page.changes.map(({ position }) => position.offset),
      page.position.offset,
      page.isCut === true,
    ])
    ;({ more, position: after } = page)
  }
  expect(pages).toEqual([
    [[1, 2, 3, 4], 4, false],
    [[5, 6], 6, true],
    [[7, 8], 8, true],
    [[9, 10], 10, false],
  ])
})

test('a page that is cut ends where its images have so many characters', async () => {
  await using open = await openTasks({ maxWholeChanges: 4 })
  await open.tasks.createMany(ids(0, 9).map((row) => ({ ...row, title: 'x'.repeat(150) })))
  const after = { ...(await open.database.changeLog.head()), offset: 0 }
  const page = await open.database.changeLog.read({ after, entity: 'Task', limit: 8, maxCharacters: 400 })
  expect(page).toMatchObject({ holds: true, changes: { length: 2 }, position: { offset: 2 }, isCut: true })
})
