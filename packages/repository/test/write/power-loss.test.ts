// What a power cut leaves is a prefix of the write-ahead log: everything that was synced, and of the rest as much as
// the disk happened to have. The tests cut copies of a log at every frame.
//
// They show that an acknowledged write is whole in the log before its promise resolves, and what becomes of everybody
// when it is cut off nevertheless. They do not show that the disk keeps what it was told to sync: with `full` SQLite
// syncs after each commit, which open-database.test.ts asserts for every open; with `normal` it does not.
import { copyFileSync, statSync, truncateSync } from 'node:fs'
import type { Position } from '@dnr/protocol'
import { expect, test } from 'vitest'
import { type OpenTasks, openTasks, temporaryFile, type TemporaryFile } from '../support/database.ts'
import { openOther } from '../support/other-handle.ts'
import { foldEntries, readStoredState } from '../support/stored-state.ts'

const WAL_HEADER_BYTES = 32
const FRAME_BYTES = 4096 + 24

interface Written {
  readonly position: Position
  /** How long the write-ahead log was when the write was acknowledged. */
  readonly walBytes: number
}

const walBytes = (path: string): number => statSync(`${path}-wal`).size

/** The lengths that a power cut may leave. */
function frameEnds(path: string): number[] {
  const frames = (walBytes(path) - WAL_HEADER_BYTES) / FRAME_BYTES
  return Array.from({ length: frames + 1 }, (_, index) => WAL_HEADER_BYTES + index * FRAME_BYTES)
}

/** The same database as the disk had it when the power went. */
function cutAt(path: string, file: TemporaryFile, bytes: number): string {
  const cut = `${file.path}.${bytes}`
  copyFileSync(path, cut)
  copyFileSync(`${path}-wal`, `${cut}-wal`)
  truncateSync(`${cut}-wal`, bytes)
  return cut
}

async function writeSome({ tasks }: OpenTasks, path: string, name: string): Promise<Written[]> {
  const written: Written[] = []
  for (let index = 0; index < 4; index++) {
    const { position } = await tasks.mutate(
      { operation: 'create', fields: { id: `${name}${index}`, title: 'x' } },
      { mutationId: `${name}${index}` },
    )
    written.push({ position, walBytes: walBytes(path) })
  }
  return written
}

const holds = async ({ database }: OpenTasks, after: Position): Promise<boolean> =>
  (await database.changeLog.read({ after, entity: 'Task', limit: 100 })).holds

test('F18 a write is whole in the write-ahead log when it is acknowledged, and a cut takes back whole writes alone', async () => {
  using file = temporaryFile({ inMemory: true })
  await using open = await openTasks({ path: file.path })
  const written = await writeSome(open, file.path, 'a')
  for (const bytes of frameEnds(file.path)) {
    const cut = cutAt(file.path, file, bytes)
    const { entries, answers, rows } = readStoredState(cut, ['Task'])
    const synced = written.filter((write) => write.walBytes <= bytes).map(({ position }) => position.offset)
    expect(entries.map(({ offset }) => offset)).toEqual(synced)
    expect(answers.map(({ offset }) => offset)).toEqual(synced)
    expect(rows).toEqual(foldEntries(entries))
  }
})

test('F18 whoever saw a tail that was lost is told, also after its offsets have been used again', async () => {
  using file = temporaryFile({ inMemory: true })
  // Keeps the write-ahead log from being folded in when the first process ends.
  using other = openOther(file.path)
  const written: Written[] = []
  for (const name of ['first', 'second']) {
    await using open = await openTasks({ path: file.path, synchronous: 'normal' })
    other.prepare('SELECT count(*) FROM Task').get()
    written.push(...(await writeSome(open, file.path, name)))
  }

  const firstSchemaFrame = frameEnds(file.path).find((bytes) => {
    const cut = cutAt(file.path, file, bytes)
    using look = openOther(cut)
    return look.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'Task'").get() !== undefined
  })
  const keptCounts = new Set<number>()
  for (const bytes of frameEnds(file.path).filter((end) => end >= (firstSchemaFrame ?? 0))) {
    await using after = await openTasks({ path: cutAt(file.path, file, bytes) })
    const kept = written.filter((write) => write.walBytes <= bytes)
    const lost = written.filter((write) => write.walBytes > bytes)
    keptCounts.add(kept.length)
    expect((await after.database.changeLog.head()).offset).toBe(kept.length)

    const check = async (): Promise<void> => {
      for (const { position } of kept) expect(await holds(after, position)).toBe(true)
      for (const { position } of lost) expect(await holds(after, position)).toBe(false)
    }
    await check()
    for (let index = 0; index < 10; index++) {
      const { position } = await after.tasks.mutate({ operation: 'create', fields: { title: 'new' } })
      const twice = written.filter((write) => write.position.offset === position.offset)
      for (const used of twice) expect(position.epoch).not.toBe(used.position.epoch)
    }
    await check()
  }
  expect([...keptCounts]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
})
