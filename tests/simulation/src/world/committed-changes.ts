// Reads the change log past the repository: what the checker knows of it must not come from the code under test.
import type { Change, WireRow } from '@dnr/protocol'
import type { Storage } from './storage.ts'

/** Committed changes after an offset, in log order. */
export function readChangesAfter(storage: Storage, offset: number): Change[] {
  const rows = storage.all('SELECT * FROM dnr_change_log WHERE "offset" > ? ORDER BY "offset"', offset)
  if (rows.length === 0) return []
  const epochs = storage.all('SELECT epoch, first_offset FROM dnr_log_epochs ORDER BY number')
  return rows.map((row, index): Change => {
    const epoch = epochs.findLast((each) => Number(each['first_offset']) <= Number(row['offset']))
    return {
      entity: String(row['entity']),
      id: String(row['row_id']),
      operation: row['operation'] as Change['operation'],
      version: Number(row['version']),
      before: image(row['before']),
      after: image(row['after']),
      mutationId: row['mutation_id'] as string | null,
      actor: row['actor'] as string | null,
      at: Number(row['at']),
      position: { epoch: String(epoch?.['epoch']), offset: Number(row['offset']) },
      transaction: Number(row['transaction_offset']),
      last: rows[index + 1]?.['transaction_offset'] !== row['transaction_offset'],
    }
  })
}

/** The offset of the last committed change, also when trimming has taken it. */
export function readHeadOffset(storage: Storage): number {
  const [row] = storage.all('SELECT max("offset") AS last FROM dnr_change_log')
  return Number(row?.['last'] ?? readFloor(storage))
}

/** Everything up to this offset was trimmed. */
export function readFloor(storage: Storage): number {
  const [row] = storage.all("SELECT value FROM dnr_meta WHERE name = 'floor'")
  return Number(row?.['value'] ?? 0)
}

/** The rows of a table as they travel; booleans are numbers in SQLite. */
export function readTable(storage: Storage, table: string): WireRow[] {
  return storage.all(`SELECT * FROM "${table}"`).map((row) => {
    const wire = { ...row } as Record<string, unknown>
    if ('done' in wire) wire['done'] = wire['done'] === 1
    return wire as unknown as WireRow
  })
}

function image(text: unknown): WireRow | null {
  return typeof text === 'string' ? (JSON.parse(text) as WireRow) : null
}
