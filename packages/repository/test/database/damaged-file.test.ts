// Bytes that flip in the file or in its write-ahead log. SQLite keeps no checksum of rows, so a letter inside a text may
// change unnoticed; what is shown here is that the log is never served shorter than it was.
import {
  copyFileSync,
  openSync,
  closeSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { DnrError, type Position } from '@dnr/protocol'
import { createSeededRandom } from '@dnr/testing'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { createRealtimeRepository, openDatabase } from '../../src/index.ts'
import { codeOf, openTasks, Task, temporaryFile } from '../support/database.ts'

const WRITES = 60

function flipByte(path: string, offset: number, mask: number): void {
  const file = openSync(path, 'r+')
  const byte = Buffer.alloc(1)
  readSync(file, byte, 0, 1, offset)
  writeSync(file, Buffer.from([(byte[0] ?? 0) ^ mask]), 0, 1, offset)
  closeSync(file)
}

/** Writes into a fresh file; `keepWal` leaves everything in the write-ahead log, as a killed process does. */
async function writeFile(path: string, { keepWal = false } = {}): Promise<Position[]> {
  const copy = `${path}.live`
  await using open = await openTasks({ path: keepWal ? copy : path })
  const positions: Position[] = [await open.database.changeLog.head()]
  for (let index = 0; index < WRITES; index++) {
    const id = `task ${index % 20}`
    const operation = index < 20 ? 'create' : 'update'
    const fields = { title: 'x'.repeat(100), rank: index }
    const { position } = await open.tasks.mutate({ operation, id, fields }, { mutationId: `m${index}` })
    positions.push(position)
  }
  if (keepWal) for (const suffix of ['', '-wal']) copyFileSync(copy + suffix, path + suffix)
  return positions
}

/** What somebody who comes to a damaged file is told; throws when it is a lie. */
async function lookAt(path: string, positions: readonly Position[]): Promise<string> {
  let database
  try {
    database = openDatabase({ path })
    const tasks = createRealtimeRepository({ database, entity: Task })
    await database.migrate([tasks])
    const head = await database.changeLog.head()
    let outcome = head.offset === WRITES ? 'whole' : 'prefix'
    for (const offset of [0, 7, 29, 30, 59, WRITES]) {
      const after = positions[offset] as Position
      const page = await database.changeLog.read({ after, entity: 'Task', limit: 1_000 })
      if (page.holds) {
        expect(page.changes.map(({ position }) => position.offset)).toEqual(
          Array.from({ length: head.offset - offset }, (_, index) => offset + 1 + index),
        )
      } else outcome = 'other history'
    }
    await tasks.snapshot()
    return outcome
  } catch (error) {
    if (!(error instanceof DnrError)) throw error
    return error.code
  } finally {
    await database?.close()
  }
}

function remove(path: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
}

const count = (outcomes: readonly string[]): Record<string, number> =>
  Object.fromEntries(
    [...new Set(outcomes)].sort().map((each) => [each, outcomes.filter((o) => o === each).length]),
  )

test(
  'F19 flipped bytes in the file: it is refused as damaged, or every change is still there',
  { timeout: 120_000 },
  async () => {
    using file = temporaryFile({ inMemory: true })
    const positions = await writeFile(file.path)
    const random = createSeededRandom(19)
    const outcomes: string[] = []
    for (let round = 0; round < 250; round++) {
      const damaged = `${file.path}.damaged`
      copyFileSync(file.path, damaged)
      const offset = Math.floor(random() * statSync(damaged).size)
      flipByte(damaged, offset, 1 << Math.floor(random() * 8))
      outcomes.push(await lookAt(damaged, positions))
      remove(damaged)
    }
    console.log('flipped bytes in the file', count(outcomes))
    expect(outcomes).toContain('storage_corrupt')
    expect(outcomes).not.toContain('prefix')
    expect(outcomes).not.toContain('internal')
  },
)

test(
  'F19 flipped bytes in the write-ahead log: what is before them counts, and whoever saw more is told',
  { timeout: 120_000 },
  async () => {
    using file = temporaryFile({ inMemory: true })
    const positions = await writeFile(file.path, { keepWal: true })
    const random = createSeededRandom(58)
    const outcomes: string[] = []
    for (let round = 0; round < 100; round++) {
      const damaged = `${file.path}.damaged`
      for (const suffix of ['', '-wal']) copyFileSync(file.path + suffix, damaged + suffix)
      const wal = `${damaged}-wal`
      flipByte(wal, Math.floor(random() * statSync(wal).size), 1 << Math.floor(random() * 8))
      outcomes.push(await lookAt(damaged, positions))
      remove(damaged)
    }
    console.log('flipped bytes in the write-ahead log', count(outcomes))
    expect(new Set(outcomes)).toEqual(new Set(['other history']))
  },
)

test('F19 what is no database at all is refused as damaged', () => {
  using file = temporaryFile({ inMemory: true })
  writeFileSync(file.path, 'This is a letter to my aunt. '.repeat(100))
  expect(() => openDatabase({ path: file.path })).toThrow(
    expect.objectContaining({ code: 'storage_corrupt' }),
  )
})

test('F19 a log that lacks an entry, or its end, is refused, unless the check is switched off', async () => {
  for (const damage of [
    'DELETE FROM dnr_change_log WHERE "offset" = 30',
    'DELETE FROM dnr_change_log WHERE "offset" = 1',
    `DELETE FROM dnr_change_log WHERE "offset" = ${WRITES}`,
    "UPDATE dnr_meta SET value = 5 WHERE name = 'floor'",
  ]) {
    using file = temporaryFile({ inMemory: true })
    await writeFile(file.path)
    const plain = new Database(file.path)
    // Damage asks no trigger.
    plain.exec(`DROP TRIGGER dnr_change_log_floor; ${damage}`)
    plain.close()
    expect(() => openDatabase({ path: file.path }), damage).toThrow(
      expect.objectContaining({ code: 'storage_corrupt', message: expect.stringContaining('change log') }),
    )
    const unchecked = openDatabase({ path: file.path, checkOnOpen: false })
    expect(await codeOf(unchecked.changeLog.head())).toBe('resolved')
    await unchecked.close()
  }
})

test('F19 damage that is met later makes health red until the file is another one', async () => {
  using file = temporaryFile({ inMemory: true })
  await using open = await openTasks({ path: file.path })
  const start = await open.database.changeLog.head()
  const { id } = await open.tasks.create({ title: 'x' })
  const plain = new Database(file.path)
  plain.exec(`UPDATE dnr_change_log SET "after" = substr("after", 2)`)
  plain.close()
  const read = open.database.changeLog.read({ after: start, entity: 'Task', limit: 1 })
  expect(await codeOf(read)).toBe('storage_corrupt')
  await open.tasks.update(id, { title: 'y' })
  expect(await open.database.health()).toMatchObject({ ok: false, error: { code: 'storage_corrupt' } })
})
