import { statSync } from 'node:fs'
import { createManualClock } from '@dnr/testing'
import { expect, test } from 'vitest'
import { type OpenTasks, openTasks, temporaryFile } from '../support/database.ts'
import { openOther } from '../support/other-handle.ts'

const MEGABYTE = 1_048_576

async function write({ tasks }: OpenTasks, count: number): Promise<void> {
  const title = 'x'.repeat(200)
  for (let index = 0; index < count; index += 50)
    await Promise.all(Array.from({ length: 50 }, () => tasks.create({ title })))
}

test('the write-ahead log stays small while we alone read and write', async () => {
  using file = temporaryFile({ inMemory: true })
  await using open = await openTasks({ path: file.path })
  await write(open, 15_000)
  expect(statSync(file.path).size).toBeGreaterThan(8 * MEGABYTE)
  const { walBytes } = await open.database.health()
  expect(walBytes).toBe(statSync(`${file.path}-wal`).size)
  expect(walBytes).toBeLessThan(6 * MEGABYTE)
})

test('a reader that never ends makes it grow: the log says so once, health has its size, and it shrinks afterwards', async () => {
  using file = temporaryFile({ inMemory: true })
  const errors: string[] = []
  const logger = { error: (message: string) => void errors.push(message), info: () => {}, debug: () => {} }
  const clock = createManualClock()
  await using open = await openTasks({ path: file.path, clock, logger, walAlarmBytes: 5 * MEGABYTE })
  await write(open, 50)
  {
    using other = openOther(file.path)
    other.exec('BEGIN')
    other.prepare('SELECT count(*) FROM Task').get()
    for (let round = 0; round < 8; round++) {
      await write(open, 3_000)
      await clock.advance(1_000)
    }
    expect((await open.database.health()).walBytes).toBeGreaterThan(16 * MEGABYTE)
    expect(errors).toEqual([expect.stringContaining('write-ahead log grows')])
    expect((await open.database.health()).ok).toBe(true)
  }
  await write(open, 100)
  await clock.advance(1_000)
  await write(open, 100)
  expect((await open.database.health()).walBytes).toBeLessThanOrEqual(16 * MEGABYTE)
})

test('a database in memory has none', async () => {
  await using open = await openTasks()
  expect((await open.database.health()).walBytes).toBeNull()
})
