import { copyFileSync, existsSync, rmSync } from 'node:fs'
import type { Position } from '@dnr/protocol'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type OpenTasks, openTasks, temporaryFile } from '../support/database.ts'

/** What somebody was told: a position, and what had been written up to it. */
interface Told {
  readonly position: Position
  readonly titles: readonly string[]
}

/** What is in the file, and what was told of it: a backup takes both along. */
interface Content {
  titles: readonly string[]
  told: readonly Told[]
}

const SUFFIXES = ['', '-wal']

/** Up to three processes on one file, and one backup of it. */
function createFile(path: string) {
  const open: (OpenTasks | undefined)[] = []
  const everTold: Told[] = []
  let content: Content = { titles: [], told: [] }
  let backup: Content | null = null
  let written = 0

  const processAt = async (slot: number): Promise<OpenTasks> =>
    (open[slot] ??= await openTasks({ path, checkOnOpen: false }))

  const closeAll = async (): Promise<void> => {
    for (const each of open.splice(0)) await each?.[Symbol.asyncDispose]()
  }

  const note = (position: Position): void => {
    const told = { position, titles: content.titles.slice(0, position.offset) }
    content.told = [...content.told, told]
    everTold.push(told)
  }

  return {
    open: async (slot: number) => void (await processAt(slot)),
    async close(slot: number) {
      await open[slot]?.[Symbol.asyncDispose]()
      open[slot] = undefined
    },
    async write(slot: number) {
      const { tasks } = await processAt(slot)
      const title = `title ${++written}`
      const { position } = await tasks.mutate({ operation: 'create', fields: { title } })
      content.titles = [...content.titles, title]
      note(position)
    },
    async tell(slot: number) {
      const { database } = await processAt(slot)
      note(await database.changeLog.head())
    },
    backup() {
      if (!existsSync(path)) return
      for (const suffix of SUFFIXES) {
        rmSync(`${path}.backup${suffix}`, { force: true })
        if (existsSync(path + suffix)) copyFileSync(path + suffix, `${path}.backup${suffix}`)
      }
      backup = { ...content }
    },
    /** A power cut that takes a tail is the same, of a backup that was just made. */
    async restore() {
      await closeAll()
      if (backup === null) return
      for (const suffix of SUFFIXES) {
        rmSync(path + suffix, { force: true })
        if (existsSync(`${path}.backup${suffix}`)) copyFileSync(`${path}.backup${suffix}`, path + suffix)
      }
      content = { ...backup }
    },
    /** Positions that were told of this file hold; others only where the same was written. */
    async check() {
      const { database } = await processAt(0)
      for (const told of everTold) {
        const { position, titles } = told
        const page = await database.changeLog.read({ after: position, entity: 'Task', limit: 1_000 })
        const isSame = titles.every((title, index) => content.titles[index] === title)
        if (content.told.includes(told))
          expect({ position, holds: page.holds }).toEqual({ position, holds: true })
        if (!page.holds) continue
        expect({ position, isSame }).toEqual({ position, isSame: true })
        const titlesAfter = page.changes.map(({ after }) => after?.['title'])
        expect(titlesAfter).toEqual(content.titles.slice(position.offset))
      }
    },
    closeAll,
  }
}

const slot = fc.nat(2)
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('open' as const), slot }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('close' as const), slot }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('write' as const), slot }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('tell' as const), slot }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('backup' as const), slot }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restore' as const), slot }) },
)

test(
  'what was told holds whoever opens, writes and closes; what a backup took back does not',
  { timeout: 60_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30, size: 'max' }), async (steps) => {
        using folder = temporaryFile({ inMemory: true })
        const file = createFile(folder.path)
        try {
          for (const { do: action, slot: which } of steps) await file[action](which)
          await file.check()
          // Also when the log has grown past what was lost.
          for (let each = 0; each < 5; each++) await file.write(1)
          await file.check()
        } finally {
          await file.closeAll()
        }
      }),
      { numRuns: 150 },
    )
  },
)

test.each([0, 1, 2])(
  'a backup that is put back under a running process, which goes on writing: what was told since does not hold (%i written before)',
  async (before) => {
    using file = temporaryFile()
    const copy = `${file.directory}/backup.db`
    await using open = await openTasks({ path: file.path })
    for (let count = 0; count < before; count++) await open.tasks.create({ title: 'kept' })
    const kept = await open.database.changeLog.head()
    using original = closing(new Database(file.path))
    await original.backup(copy)
    const lost: Position[] = []
    for (let count = 0; count < 3; count++)
      lost.push((await open.tasks.mutate({ operation: 'create', fields: { title: 'lost' } })).position)
    using backup = closing(new Database(copy))
    await backup.backup(file.path)

    for (let count = 0; count < 5; count++) await open.tasks.create({ title: 'new' })
    for (const after of lost)
      expect(await open.database.changeLog.read({ after, entity: 'Task', limit: 10 })).toMatchObject({
        holds: false,
      })
    expect(await open.database.changeLog.read({ after: kept, entity: 'Task', limit: 10 })).toMatchObject({
      holds: true,
      changes: { length: 5 },
    })
  },
)

function closing(handle: Database.Database): Database.Database & Disposable {
  return Object.assign(handle, { [Symbol.dispose]: () => void handle.close() })
}
