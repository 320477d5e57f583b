// Writes into files of its own, one contender after the other: `writes-process.ts FOLDER`. Asked by the parent: round, failing.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type ItemRow, itemRow } from '../contenders/item.ts'
import { answerParent } from '../process/child.ts'
import { startDnrWriter } from './dnr-writer.ts'
import type { Synchronous, Writer } from './writer.ts'
import { writeContenders, type WriteContenderName, type WriteOperation } from './write-contenders.ts'

const [folder = ''] = process.argv.slice(2)
mkdirSync(folder, { recursive: true })
const writers = new Map<string, Writer>()
let made = 0

answerParent(
  {
    start: () => null,
    round: async (round: {
      contender: WriteContenderName
      synchronous: Synchronous
      operation: WriteOperation
      commits: number
    }) => {
      const { title: _title, atOnce, start } = writeContenders[round.contender]
      const key = `${round.contender}-${round.synchronous}`
      const writer = writers.get(key) ?? (await start(join(folder, `${key}.db`), round.synchronous))
      writers.set(key, writer)
      return { micros: await measure(writer, round.operation, round.commits * atOnce, atOnce) }
    },
    failing: writeWithOneFailing,
  },
  async () => {
    for (const writer of writers.values()) await writer.close()
  },
)

/** Microseconds for each write. Updates change rows that the same writer made before. */
async function measure(
  writer: Writer,
  operation: WriteOperation,
  writes: number,
  atOnce: number,
): Promise<number> {
  const rows = Array.from({ length: writes }, () => ({ ...itemRow(++made), id: `item-${made}`, version: 1 }))
  if (operation === 'update') await runAll(rows, 32, (row) => writer.create(row))
  const write =
    operation === 'create'
      ? (row: ItemRow) => writer.create(row)
      : ({ id, rank }: ItemRow) =>
          writer.update(id, { title: 'Another title for the item', rank: rank + 0.5 })
  const startedAt = performance.now()
  await runAll(rows, atOnce, write)
  return ((performance.now() - startedAt) * 1_000) / writes
}

async function runAll(
  rows: readonly ItemRow[],
  atOnce: number,
  write: (row: ItemRow) => unknown,
): Promise<void> {
  if (atOnce === 1) for (const row of rows) await write(row)
  else
    for (let from = 0; from < rows.length; from += atOnce)
      await Promise.all(rows.slice(from, from + atOnce).map(write))
}

/** Of 32 writes of one commit the one that cannot be stored fails, and no other. */
async function writeWithOneFailing(): Promise<{ stored: number; failed: number }> {
  const writer = await startDnrWriter(join(folder, 'failing.db'), 'full')
  const rows = Array.from({ length: 32 }, (_, index) => ({ ...itemRow(index), id: `item-${index}` }))
  const doubled = rows.with(16, { ...itemRow(16), id: 'item-3' })
  const results = await Promise.allSettled(doubled.map(async (row) => writer.create(row)))
  await writer.close()
  const failed = results.filter(({ status }) => status === 'rejected').length
  return { stored: results.length - failed, failed }
}
