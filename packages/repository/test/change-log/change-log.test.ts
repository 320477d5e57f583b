import { copyFileSync, rmSync } from 'node:fs'
import type { Change, Position } from '@dnr/protocol'
import { createManualClock } from '@dnr/testing'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRealtimeRepository, type ChangeLog, type HistoryPage, openDatabase } from '../../src/index.ts'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { codeOf, openTasks, Task, temporaryFile } from '../support/database.ts'

const holding = (page: HistoryPage) => {
  if (!page.holds) throw new Error(`does not hold: ${page.reason}`)
  return page
}

function openOther(path: string): Database.Database & Disposable {
  const other = new Database(path)
  return Object.assign(other, { [Symbol.dispose]: () => void other.close() })
}

const reasonOf = async (log: ChangeLog, after: Position, entity = 'Task') => {
  const page = await log.read({ after, entity, limit: 10 })
  return page.holds ? 'holds' : page.reason
}

async function readAll(log: ChangeLog, after: Position, limit = 3): Promise<Change[]> {
  const changes: Change[] = []
  for (let position = after, more = true; more;) {
    const page = holding(await log.read({ after: position, entity: 'Task', limit }))
    changes.push(...page.changes)
    position = page.position
    more = page.more
  }
  return changes
}

const commands = fc.array(
  fc.record({
    operation: fc.constantFrom('create' as const, 'update' as const, 'delete' as const),
    id: fc.constantFrom('a', 'b', 'c'),
    title: fc.constantFrom('x', 'y', ''),
    inTransaction: fc.boolean(),
  }),
  { maxLength: 25 },
)

test('the log folds to the table, whatever was written and whatever failed', async () => {
  await fc.assert(
    fc.asyncProperty(commands, async (list) => {
      await using open = await openTasks()
      const start = await open.database.changeLog.head()
      await Promise.all(
        list.map(async ({ operation, id, title, inTransaction }) => {
          const write = { operation, id, ...(operation === 'delete' ? {} : { fields: { title } }) }
          const outcome = inTransaction
            ? open.database.transaction(async (tx) => {
                await open.tasks.within(tx).mutate(write)
                await open.tasks.within(tx).mutate({ operation: 'update', id, fields: { rank: 1 } })
              })
            : open.tasks.mutate(write)
          await outcome.catch(() => {})
        }),
      )
      const changes = await readAll(open.database.changeLog, start)
      const rows = new Map<string, unknown>()
      for (const change of changes) {
        expect(change.before).toEqual(rows.get(change.id) ?? null)
        if (change.after === null) rows.delete(change.id)
        else rows.set(change.id, change.after)
      }
      const table = (await open.tasks.snapshot()).rows
      expect(
        [...rows.values()].sort((a, b) => ((a as { id: string }).id < (b as { id: string }).id ? -1 : 1)),
      ).toEqual(table)
      expect(changes.map(({ position }) => position.offset)).toEqual(
        changes.map((_, index) => start.offset + index + 1),
      )
    }),
    { numRuns: 60 },
  )
})

test('an entry says who changed what, when, and how', async () => {
  const clock = createManualClock({ now: 5_000 })
  await using open = await openTasks({ clock })
  const start = await open.database.changeLog.head()
  const before = await open.tasks.create(
    { id: 'x', title: 'a' },
    { principal: { id: 'alice' }, mutationId: 'm' },
  )
  const after = await open.tasks.update('x', { title: 'b' })
  const [created, updated] = await readAll(open.database.changeLog, start)

  expect(created).toEqual({
    entity: 'Task',
    id: 'x',
    operation: 'created',
    version: 1,
    before: null,
    after: before,
    mutationId: 'm',
    actor: 'alice',
    at: 5_000,
    position: { epoch: start.epoch, offset: 1 },
    transaction: 1,
    last: true,
  })
  expect(updated).toMatchObject({
    operation: 'updated',
    version: 2,
    before,
    after,
    mutationId: null,
    actor: null,
  })
})

test('pages hold whole transactions, however small the limit', async () => {
  await using open = await openTasks()
  const { changeLog } = open.database
  const start = await changeLog.head()
  await open.tasks.create({ id: 'first', title: 'x' })
  await open.database.transaction(async (tx) => {
    for (let index = 0; index < 5; index++)
      await open.tasks.within(tx).create({ id: `t${index}`, title: 'x' })
  })
  await open.tasks.create({ id: 'last', title: 'x' })

  const pages: (readonly string[])[] = []
  for (let after = start, more = true; more;) {
    const page = holding(await changeLog.read({ after, entity: 'Task', limit: 2 }))
    pages.push(page.changes.map(({ id }) => id))
    after = page.position
    more = page.more
  }
  expect(pages).toEqual([['first'], ['t0', 't1', 't2', 't3', 't4'], ['last']])
  const changes = await readAll(changeLog, start)
  expect(changes.map(({ transaction }) => transaction)).toEqual([1, 2, 2, 2, 2, 2, 7])
  expect(changes.map(({ last }) => last)).toEqual([true, false, false, false, false, true, true])
})

test('a page ends with the transaction in which it has become large', async () => {
  await using open = await openTasks()
  const { changeLog } = open.database
  let after = await changeLog.head()
  const title = 'x'.repeat(200)
  for (const id of ['a', 'b', 'c']) await open.tasks.create({ id, title })
  await open.tasks.createMany(['d', 'e', 'f'].map((id) => ({ id, title })))
  await open.tasks.create({ id: 'g', title })
  const pages: (readonly string[])[] = []
  for (let more = true; more;) {
    const page = holding(await changeLog.read({ after, entity: 'Task', limit: 10, maxCharacters: 500 }))
    pages.push(page.changes.map(({ id }) => id))
    after = page.position
    more = page.more
  }
  expect(pages).toEqual([['a', 'b'], ['c', 'd', 'e', 'f'], ['g']])
  expect(after).toEqual(await changeLog.head())
})

test('one record’s history is its own changes alone', async () => {
  await using open = await openTasks()
  const start = await open.database.changeLog.head()
  for (const id of ['a', 'b']) await open.tasks.create({ id, title: 'x' })
  for (const id of ['a', 'b']) await open.tasks.update(id, { title: 'y' })
  const page = holding(
    await open.database.changeLog.read({ after: start, entity: 'Task', id: 'b', limit: 10 }),
  )
  expect(page.changes.map(({ position }) => position.offset)).toEqual([2, 4])
  expect(page.position).toEqual(await open.database.changeLog.head())
})

test('positions that are none of ours are recognised', async () => {
  await using open = await openTasks()
  const { changeLog } = open.database
  await open.tasks.create({ title: 'x' })
  const head = await changeLog.head()
  expect(await reasonOf(changeLog, head)).toBe('holds')
  expect(await reasonOf(changeLog, { epoch: 'other', offset: 0 })).toBe('unknown_epoch')
  expect(await reasonOf(changeLog, { ...head, offset: head.offset + 1 })).toBe('ahead')
})

test('a restart costs nobody a resync', async () => {
  using file = temporaryFile()
  const heads: Position[] = []
  for (let run = 0; run < 3; run++) {
    await using open = await openTasks({ path: file.path })
    heads.push(await open.database.changeLog.head())
    await open.tasks.create({ title: 'x' })
    heads.push(await open.database.changeLog.head())
  }
  await using open = await openTasks({ path: file.path })
  expect(new Set(heads.map(({ epoch }) => epoch)).size).toBe(3)
  for (const head of heads) {
    const { changes } = holding(
      await open.database.changeLog.read({ after: head, entity: 'Task', limit: 10 }),
    )
    expect(changes).toHaveLength(3 - head.offset)
  }
})

/** Opens the file and closes it, as a script does that may have nothing to write. */
async function openAndClose(path: string): Promise<void> {
  await using _ = await openTasks({ path, checkOnOpen: false })
}

test('who stands at the head of a quiet log holds, however often programs have opened the file since', async () => {
  using file = temporaryFile({ inMemory: true })
  const heads: Position[] = []
  for (let run = 0; run < 3; run++) {
    await using open = await openTasks({ path: file.path })
    // Before anything was written, after a write, and after a restart without one.
    if (run === 1) await open.tasks.create({ title: 'x' })
    heads.push(await open.database.changeLog.head())
  }
  for (let run = 0; run < 1_001; run++) await openAndClose(file.path)
  await using open = await openTasks({ path: file.path })
  const { changeLog } = open.database
  heads.push(await changeLog.head())
  await open.tasks.create({ title: 'y' })
  await changeLog.trim()
  expect(heads.map(({ offset }) => offset)).toEqual([0, 1, 1, 1])
  expect(new Set(heads.map(({ epoch }) => epoch)).size).toBe(4)
  for (const head of heads) {
    const { changes } = holding(await changeLog.read({ after: head, entity: 'Task', limit: 10 }))
    expect(changes).toHaveLength(2 - head.offset)
  }
})

test('an epoch takes room when something was written in it, and no process minds that its own was replaced', async () => {
  using file = temporaryFile({ inMemory: true })
  const epochs = () => {
    using other = openOther(file.path)
    return other.prepare('SELECT epoch FROM dnr_log_epochs ORDER BY number').pluck().all()
  }
  await using one = await openTasks({ path: file.path, createEpoch: () => 'one' })
  expect(await one.database.changeLog.head()).toEqual({ epoch: 'one', offset: 0 })
  await using two = await openTasks({ path: file.path, createEpoch: () => 'two' })
  expect(epochs()).toEqual(['one-two'])
  await one.tasks.create({ title: 'x' })
  await using three = await openTasks({ path: file.path, createEpoch: () => 'three' })
  await two.tasks.create({ title: 'x' })
  expect(epochs()).toEqual(['one-two', 'three'])
  expect(await three.database.changeLog.head()).toEqual({ epoch: 'three', offset: 2 })
})

test.each(['', 'two-parts', 'x'.repeat(32)])('a name that no epoch can have is refused: "%s"', (name) => {
  expect(() => openDatabase({ path: ':memory:', createEpoch: () => name })).toThrow('createEpoch')
})

test('a restored backup is recognised by whoever saw more, also when the log has grown past them', async () => {
  using file = temporaryFile()
  const backup = `${file.path}.backup`
  const write = async (count: number) => {
    await using open = await openTasks({ path: file.path })
    for (let index = 0; index < count; index++) await open.tasks.create({ title: 'x' })
    return open.database.changeLog.head()
  }
  const kept = await write(5)
  copyFileSync(file.path, backup)
  const lost = await write(10)
  for (const suffix of ['', '-wal', '-shm']) rmSync(file.path + suffix, { force: true })
  copyFileSync(backup, file.path)

  await using restored = await openTasks({ path: file.path })
  const { changeLog } = restored.database
  expect(await reasonOf(changeLog, lost)).toBe('unknown_epoch')
  for (let index = 0; index < 20; index++) await restored.tasks.create({ title: 'y' })
  expect((await changeLog.head()).offset).toBeGreaterThan(lost.offset)
  expect(await reasonOf(changeLog, lost)).toBe('unknown_epoch')
  expect(await reasonOf(changeLog, kept)).toBe('holds')
})

test('a lost tail within one epoch is recognised, before and after the log has grown past it', async () => {
  using file = temporaryFile()
  const backup = `${file.path}.tail`
  let lost: Position
  {
    await using open = await openTasks({ path: file.path })
    await open.tasks.create({ title: 'kept' })
    // What the disk held when the power went: everything of this process up to here.
    await open.database.kysely.selectFrom('Task').selectAll().execute()
    copyFileSync(file.path, backup)
    copyFileSync(`${file.path}-wal`, `${backup}-wal`)
    for (let index = 0; index < 4; index++) await open.tasks.create({ title: 'lost' })
    lost = await open.database.changeLog.head()
  }
  await using after = await openTasks({ path: backup })
  const { changeLog } = after.database
  expect((await changeLog.head()).offset).toBe(1)
  expect(await reasonOf(changeLog, lost)).toBe('ahead')
  expect(await reasonOf(changeLog, { ...lost, offset: 1 })).toBe('holds')
  for (let index = 0; index < 10; index++) await after.tasks.create({ title: 'new' })
  expect(await reasonOf(changeLog, lost)).toBe('ahead')
  expect(await reasonOf(changeLog, { ...lost, offset: 1 })).toBe('holds')
})

test('several writers on one file agree on the epoch', async () => {
  using file = temporaryFile()
  await using a = await openTasks({ path: file.path })
  await using b = await openTasks({ path: file.path })
  const start = await a.database.changeLog.head()
  for (let index = 0; index < 3; index++) {
    await a.tasks.create({ title: 'a' })
    await b.tasks.create({ title: 'b' })
  }
  expect(await a.database.changeLog.head()).toEqual(await b.database.changeLog.head())
  const { changes } = holding(await b.database.changeLog.read({ after: start, entity: 'Task', limit: 10 }))
  expect(changes.map(({ after }) => after?.['title'])).toEqual(['a', 'b', 'a', 'b', 'a', 'b'])
  expect(new Set(changes.map(({ position }) => position.epoch))).toEqual(new Set([start.epoch]))
})

test('trimming by count keeps the newest, the head, and whoever stands at it', async () => {
  await using open = await openTasks()
  const { changeLog } = open.database
  const start = await changeLog.head()
  for (let index = 0; index < 10; index++) await open.tasks.create({ title: 'x' })
  const head = await changeLog.head()

  expect(await changeLog.trim({ keep: 4 })).toEqual({ removedChanges: 6, removedMutations: 0, floor: 6 })
  expect(await reasonOf(changeLog, { ...head, offset: 5 })).toBe('trimmed')
  expect(await reasonOf(changeLog, start)).toBe('trimmed')
  expect(
    holding(await changeLog.read({ after: { ...head, offset: 6 }, entity: 'Task', limit: 10 })).changes,
  ).toHaveLength(4)

  expect((await changeLog.trim({ keep: 0 })).floor).toBe(10)
  expect(await changeLog.head()).toEqual(head)
  expect(await reasonOf(changeLog, head)).toBe('holds')
  expect(await open.tasks.mutate({ operation: 'create', fields: { title: 'x' } })).toMatchObject({
    position: { offset: 11 },
  })
  expect(await reasonOf(changeLog, head)).toBe('holds')
  expect(await changeLog.trim({ keep: 0 })).toMatchObject({ removedChanges: 1 })
})

test('offsets go on after a trim that left nothing, also in the next process', async () => {
  using file = temporaryFile()
  for (let run = 0; run < 3; run++) {
    await using open = await openTasks({ path: file.path })
    const written = open.tasks.mutate({ operation: 'create', fields: { title: 'x' } })
    expect(await written).toMatchObject({ position: { offset: run + 1 } })
    expect(await open.database.changeLog.trim({ keep: 0 })).toMatchObject({ floor: run + 1 })
  }
})

test('an entity that is quiet holds for its readers however far the log is trimmed', async () => {
  using file = temporaryFile()
  const database = openDatabase({ path: file.path })
  const tasks = createRealtimeRepository({ database, entity: Task })
  const Other = { ...Task, name: 'Other' } as const
  const others = createRealtimeRepository({ database, entity: Other })
  await database.migrate([tasks, others])
  const { position } = await tasks.mutate({ operation: 'create', fields: { title: 'quiet' } })
  for (let index = 0; index < 20; index++) await others.create({ title: 'busy' })
  await database.changeLog.trim({ keep: 1 })

  expect(await reasonOf(database.changeLog, position, 'Task')).toBe('holds')
  expect(await reasonOf(database.changeLog, { ...position, offset: 0 }, 'Task')).toBe('trimmed')
  expect(await reasonOf(database.changeLog, position, 'Other')).toBe('trimmed')
  expect(await reasonOf(database.changeLog, position, 'Never')).toBe('holds')
  await database.close()
})

test('trimming by age goes by the clock, and takes old answers along', async () => {
  const clock = createManualClock()
  await using open = await openTasks({ clock })
  await open.tasks.create({ title: 'old' }, { mutationId: 'old' })
  await clock.advance(90_000_000)
  await open.tasks.create({ title: 'new' }, { mutationId: 'new' })
  expect(await open.database.changeLog.trim({ maxAgeMs: 60_000 })).toEqual({
    removedChanges: 1,
    removedMutations: 1,
    floor: 1,
  })
  const again = (mutationId: string, title: string) =>
    open.tasks.mutate({ operation: 'create', fields: { title } }, { mutationId })
  expect((await again('new', 'new')).replayed).toBe(true)
  expect((await again('old', 'old')).replayed).toBe(false)
})

test('answers are kept a day unless told otherwise, and no more of them than told', async () => {
  const clock = createManualClock()
  await using open = await openTasks({ clock })
  const { changeLog } = open.database
  const write = (mutationId: string) =>
    open.tasks.mutate({ operation: 'create', fields: { title: mutationId } }, { mutationId })
  for (const id of ['a', 'b', 'c', 'd']) await write(id)
  await clock.advance(86_400_000)
  expect((await changeLog.trim()).removedMutations).toBe(0)
  expect((await changeLog.trim({ keepMutations: 3 })).removedMutations).toBe(1)
  expect((await write('b')).replayed).toBe(true)
  await clock.advance(1)
  expect((await changeLog.trim()).removedMutations).toBe(3)
  expect((await write('b')).replayed).toBe(false)
})

test('entries that the floor has not passed cannot be deleted, not even by SQL', async () => {
  using file = temporaryFile()
  await using open = await openTasks({ path: file.path })
  for (const title of ['a', 'b', 'c']) await open.tasks.create({ title })
  await open.database.changeLog.trim({ keep: 2 })
  const other = new Database(file.path)
  for (const sql of ['DELETE FROM dnr_change_log', 'DELETE FROM dnr_change_log WHERE "offset" = 3'])
    expect(() => other.exec(sql)).toThrow('changeLog.trim()')
  other.close()
  expect((await open.database.changeLog.head()).offset).toBe(3)
  expect((await open.database.changeLog.trim({ keep: 0 })).floor).toBe(3)
})

test('a write that is rolled back takes no offset, also when the log has been trimmed to nothing', async () => {
  await using open = await openTasks()
  const { database, tasks } = open
  const { id } = await tasks.create({ title: 'x' })
  await database.changeLog.trim({ keep: 0 })
  const undone = database.transaction(async (tx) => {
    await tasks.within(tx).update(id, { title: 'y' })
    throw new Error('undone')
  })
  await expect(undone).rejects.toThrow('undone')
  expect((await database.changeLog.head()).offset).toBe(1)
  expect(await tasks.mutate({ operation: 'delete', id })).toMatchObject({ position: { offset: 2 } })
})

test('a quiet log that is trimmed to nothing by age keeps its head', async () => {
  const clock = createManualClock()
  await using open = await openTasks({ clock })
  const { position } = await open.tasks.mutate({ operation: 'create', fields: { title: 'x' } })
  await clock.advance(60_001)
  expect(await open.database.changeLog.trim({ maxAgeMs: 60_000 })).toMatchObject({
    removedChanges: 1,
    floor: 1,
  })
  expect(await open.database.changeLog.head()).toEqual(position)
  expect(await reasonOf(open.database.changeLog, position)).toBe('holds')
})

/** Puts answers beside those that writes have left, of before an offset at which the log ended more than a day ago. */
function keepOldAnswers(path: string, count: number): void {
  const other = new Database(path)
  other
    .prepare(
      `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
      INSERT INTO dnr_mutations SELECT 'user:' || (n % 7), 'old-' || n, '', 1, 0, 0, NULL FROM numbers`,
    )
    .run(count)
  other.exec('INSERT INTO dnr_log_ages (ran_ms, "offset") VALUES (-86400001, 1)')
  other.close()
}

test('a trim looks at ten thousand answers, and the next one goes on from there, also after a restart', async () => {
  using file = temporaryFile({ inMemory: true })
  const trims: number[] = []
  for (let run = 0; run < 4; run++) {
    await using open = await openTasks({ path: file.path })
    const write = () =>
      open.tasks.mutate({ operation: 'create', fields: { id: 'a', title: 'x' } }, { mutationId: 'new' })
    await write()
    if (run === 0) keepOldAnswers(file.path, 20_500)
    trims.push((await open.database.changeLog.trim()).removedMutations)
    expect(await write()).toMatchObject({ replayed: true })
  }
  // The answer that stays is the first of all: the second trim begins behind it.
  expect(trims).toEqual([9_999, 10_000, 501, 0])
})

test('a trim works in small batches, and others write between them', async () => {
  using file = temporaryFile({ inMemory: true })
  await using open = await openTasks({ path: file.path })
  using other = openOther(file.path)
  for (let each = 0; each < 2; each++)
    await open.tasks.createMany(Array.from({ length: 1_000 }, () => ({ title: 'x' })))
  const titles = Array.from({ length: 500 }, () => ({ title: 'y' }))
  for (let each = 0; each < 6; each++) await open.tasks.createMany(titles)
  keepOldAnswers(file.path, 2_600)
  const left = other.prepare(`SELECT (SELECT count(*) FROM dnr_change_log WHERE "offset" <= 5000) AS changes,
    (SELECT count(*) FROM dnr_mutations) AS answers`)
  const state = { isOver: false }
  const trim = open.database.changeLog.trim({ keep: 0 }).finally(() => (state.isOver = true))
  const seen = [left.get() as { changes: number; answers: number }]
  while (!state.isOver) {
    await open.tasks.create({ title: 'between' })
    seen.push(left.get() as (typeof seen)[number])
  }
  await trim
  expect([seen[0], seen.at(-1)]).toEqual([
    { changes: 5_000, answers: 2_600 },
    { changes: 0, answers: 0 },
  ])
  const steps = seen.slice(1).map((now, index) => ({
    changes: (seen[index]?.changes ?? 0) - now.changes,
    answers: (seen[index]?.answers ?? 0) - now.answers,
  }))
  expect(Math.max(...steps.map(({ changes }) => changes))).toBe(500)
  expect(steps.filter(({ changes }) => changes > 0).length).toBe(10)
  expect(Math.max(...steps.map(({ answers }) => answers))).toBe(500)
})

test('a transaction longer than a batch is gone for everybody at once, and the process that trims it may be killed', async () => {
  using file = temporaryFile()
  using copy = temporaryFile()
  await using open = await openTasks({ path: file.path })
  using other = openOther(file.path)
  await open.tasks.createMany(Array.from({ length: 1_000 }, (_, id) => ({ id: `${id}`, title: 'x' })))
  await open.tasks.create({ id: 'last', title: 'y' })
  const { changeLog } = open.database
  const { epoch } = await changeLog.head()
  const entries = other.prepare('SELECT count(*) FROM dnr_change_log').pluck()
  const seen = new Set<unknown>()
  const state = { isOver: false }
  const trim = changeLog.trim({ keep: 1 }).finally(() => (state.isOver = true))
  while (!state.isOver) {
    await nextTurn()
    const left = entries.get()
    if (left === 1_001) continue
    if (!seen.has(501) && left === 501) other.exec(`VACUUM INTO '${copy.path}'`)
    seen.add(left)
    for (const offset of [0, 499, 500, 999])
      expect(await reasonOf(changeLog, { epoch, offset })).toBe('trimmed')
    expect(await readAll(changeLog, { epoch, offset: 1_000 })).toHaveLength(1)
    const { source } = changeLog
    const behind = await source.transactionsAfter({ epoch, offset: 600 }, 10, source.losses)
    expect(behind).toMatchObject({ floor: { offset: 1_000 }, transactions: [[{ id: 'last' }]] })
  }
  expect([...seen]).toEqual([501, 1])
  expect(await trim).toMatchObject({ removedChanges: 1_000, floor: 1_000 })
  await using again = await openTasks({ path: copy.path })
  expect(await again.database.changeLog.head()).toMatchObject({ offset: 1_001 })
  expect(await reasonOf(again.database.changeLog, { epoch, offset: 999 })).toBe('trimmed')
  expect(await again.database.changeLog.trim({ keep: 1 })).toMatchObject({
    removedChanges: 500,
    floor: 1_000,
  })
})

test('keepMutations is kept with one call, however many there are', async () => {
  using file = temporaryFile({ inMemory: true })
  await using open = await openTasks({ path: file.path })
  for (const mutationId of ['a', 'b', 'c']) await open.tasks.create({ title: 'x' }, { mutationId })
  keepOldAnswers(file.path, 20_500)
  expect((await open.database.changeLog.trim({ keepMutations: 2 })).removedMutations).toBe(20_501)
  const again = (mutationId: string) =>
    open.tasks.mutate({ operation: 'create', fields: { title: 'x' } }, { mutationId })
  expect((await again('b')).replayed).toBe(true)
  expect((await again('a')).replayed).toBe(false)
})

test('keepMutations does not take the newest with the others that stand at its offset', async () => {
  await using open = await openTasks()
  const { database, tasks } = open
  const create = () => tasks.mutate({ operation: 'create', fields: { title: 'x' } }, { mutationId: 'write' })
  const first = await create()
  // They change nothing, so they stand where the log does.
  for (const mutationId of ['b', 'c', 'd'])
    await tasks.updateMany({ where: { title: 'nobody' } }, { title: 'y' }, { mutationId })
  await database.changeLog.trim({ keepMutations: 2 })
  expect(await create()).toEqual({ ...first, replayed: true })
})

test('what nobody reads of a bulk call is not kept when the log goes', async () => {
  using file = temporaryFile()
  await using open = await openTasks({ path: file.path })
  await open.tasks.create({ title: 'x' })
  const ask = () => open.tasks.updateMany({ where: {} }, { title: 'y' }, { mutationId: 'bulk' })
  const first = await ask()
  await open.database.changeLog.trim({ keep: 0 })
  const other = new Database(file.path)
  expect(other.prepare('SELECT answer FROM dnr_mutations').pluck().all()).toEqual(['[]'])
  other.close()
  expect(await ask()).toEqual(first)
})

test('an answer is the same after the log has lost its entry: of a creation, a change, a deletion, many rows, each user', async () => {
  await using open = await openTasks()
  const { database, tasks } = open
  const [alice, bob] = [{ id: 'alice' }, { id: 'bob' }]
  const ask = async () => [
    await tasks.mutate(
      { operation: 'create', fields: { id: 'a', title: 'of alice' } },
      { principal: alice, mutationId: 'm' },
    ),
    await tasks.mutate(
      { operation: 'create', fields: { id: 'b', title: 'of bob' } },
      { principal: bob, mutationId: 'm' },
    ),
    await tasks.mutate({ operation: 'update', id: 'a', fields: { rank: 1 } }, { mutationId: 'change' }),
    await tasks.createMany(
      [
        { id: 'c', title: 'x' },
        { id: 'd', title: 'y' },
      ],
      { principal: bob, mutationId: 'many' },
    ),
    await tasks.updateMany(['c', 'd'], { rank: 2 }, { mutationId: 'both' }),
    await tasks.mutate({ operation: 'delete', id: 'b' }, { principal: bob, mutationId: 'delete' }),
  ]
  const first = await ask()
  const again = first.map((answer) => ('replayed' in answer ? { ...answer, replayed: true } : answer))
  expect(await ask()).toEqual(again)
  await database.changeLog.trim({ keep: 4 })
  expect(await ask()).toEqual(again)
  await database.changeLog.trim({ keep: 0 })
  expect(await ask()).toEqual(again)
  expect((await database.changeLog.head()).offset).toBe(8)
})

test('trimming never cuts a transaction in two, not even one larger than a batch', async () => {
  await using open = await openTasks()
  const { changeLog } = open.database
  await open.database.transaction(async (tx) => {
    for (let index = 0; index < 700; index++) await open.tasks.within(tx).create({ title: 'x' })
  })
  await open.tasks.create({ title: 'y' })
  expect((await changeLog.trim({ keep: 300 })).removedChanges).toBe(0)
  expect(await changeLog.trim({ keep: 1 })).toMatchObject({ removedChanges: 700, floor: 700 })
})

test('wrong options are refused by name', async () => {
  await using open = await openTasks()
  expect(await codeOf(open.database.changeLog.trim({ keep: -1 }))).toBe('bad_option')
  expect(
    await codeOf(
      open.database.changeLog.read({ after: { epoch: 'x', offset: 0 }, entity: 'Task', limit: 0 }),
    ),
  ).toBe('bad_option')
})
