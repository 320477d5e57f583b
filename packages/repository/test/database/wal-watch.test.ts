import { statSync } from 'node:fs'
import { defineEntity } from '@dnr/protocol'
import { createManualClock } from '@dnr/testing'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createRealtimeRepository, type DatabaseSettings, openDatabase } from '../../src/index.ts'
import { openTasks, temporaryFile } from '../support/database.ts'
import { openOther } from '../support/other-handle.ts'

const MEGABYTE = 1_048_576
const Page = defineEntity('Page', z.object({ id: z.string(), text: z.string() }))

/** Pages so large that a few hundred of them fill a write-ahead log several times. */
async function openPages(path: string, settings: DatabaseSettings = {}) {
  const database = openDatabase({ path, ...settings })
  const pages = createRealtimeRepository({ database, entity: Page })
  await database.migrate([pages])
  return {
    database,
    async write(megabytes: number): Promise<void> {
      // Half of it is the row, half its image in the log.
      for (let index = 0; index < megabytes * 2; index++)
        await pages.create({ text: 'x'.repeat(MEGABYTE / 4) })
    },
    [Symbol.asyncDispose]: () => database.close(),
  }
}

test('the write-ahead log stays small while we alone read and write', async () => {
  using file = temporaryFile({ inMemory: true })
  await using open = await openPages(file.path)
  await open.write(20)
  expect(statSync(file.path).size).toBeGreaterThan(10 * MEGABYTE)
  const { walBytes } = await open.database.health()
  expect(walBytes).toBe(statSync(`${file.path}-wal`).size)
  expect(walBytes).toBeLessThan(6 * MEGABYTE)
})

test('F15 a reader that never ends makes it grow: the log says so once, health has its size, and it shrinks afterwards', async () => {
  using file = temporaryFile({ inMemory: true })
  const errors: string[] = []
  const logger = { error: (message: string) => void errors.push(message), info: () => {}, debug: () => {} }
  const clock = createManualClock()
  await using open = await openPages(file.path, { clock, logger, walAlarmBytes: 8 * MEGABYTE })
  {
    using other = openOther(file.path)
    other.exec('BEGIN')
    other.prepare('SELECT count(*) FROM Page').get()
    for (let round = 0; round < 4; round++) {
      await open.write(5)
      await clock.advance(1_000)
    }
    const health = await open.database.health()
    expect(health).toMatchObject({ ok: true })
    expect(health.walBytes).toBeGreaterThan(18 * MEGABYTE)
    expect(errors).toEqual([expect.stringContaining('write-ahead log grows')])
  }
  // The first commit folds everything in, the next one begins at the front and gives the room back.
  await open.write(1)
  expect((await open.database.health()).walBytes).toBeLessThanOrEqual(16 * MEGABYTE)
})

test('a database in memory has none', async () => {
  await using open = await openTasks()
  expect((await open.database.health()).walBytes).toBeNull()
})
