import { monitorEventLoopDelay } from 'node:perf_hooks'
import Database from 'better-sqlite3'
import { expect, test, vi } from 'vitest'
import { openPlainClient } from '../src/plain-client.ts'
import { startStack } from '../src/stack.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'

const ROWS = 20_000
const READERS = 3

test('SQL that changes 20,000 rows of a captured table at once is one transaction for everybody who hears them', async () => {
  await using folder = await temporaryFolder()
  const path = folder.file('tasks.db')
  await using stack = await startStack({ path, captureTable: true })
  const ids = Array.from({ length: ROWS }, (_, n) => `t${String(n).padStart(5, '0')}`)
  for (let from = 0; from < ROWS; from += 1_000)
    await stack.tasks.createMany(ids.slice(from, from + 1_000).map((id) => ({ id, title: 'x', team: 'red' })))
  await stack.relay.flush()
  const readers = await Promise.all(
    Array.from({ length: READERS }, () => openPlainClient(`${stack.url}?token=ann.red`)),
  )
  for (const reader of readers) {
    reader.send({ type: 'subscribe', channel: 'entity:Task' })
    await reader.until('subscribed')
  }
  const other = new Database(path)
  other.exec("UPDATE Task SET title = 'y'")
  other.close()
  const pauses = monitorEventLoopDelay({ resolution: 1 })
  pauses.enable()
  await stack.relay.flush()
  await stack.tasks.update(ids[0] ?? '', { title: 'behind' })
  // Before they are looked at, which takes longer than anything that the server does.
  await vi.waitUntil(() => readers.every((reader) => reader.untaken().length > ROWS), { timeout: 15_000 })
  pauses.disable()
  const wrong: unknown[] = []
  for (const reader of readers) {
    for (const [n, id] of ids.entries()) {
      const { payload, position, more = false } = await reader.until('entity:updated')
      const isRight = (payload as { id: string }).id === id && more === n < ROWS - 1
      if (!isRight) wrong.push([n, payload, position, more])
    }
    expect(await reader.until('entity:updated')).toMatchObject({ payload: { id: ids[0], title: 'behind' } })
    expect(reader.untaken()).toEqual([])
    reader.close()
  }
  expect(wrong.slice(0, 3)).toEqual([])
  console.log(
    `longest pause, server and ${READERS} clients in one process: ${(pauses.max / 1e6).toFixed(0)} ms`,
  )
})
