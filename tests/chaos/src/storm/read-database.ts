import Database from 'better-sqlite3'
import type { LoggedChange, Row } from '../checks/evidence.ts'

interface StoredChange {
  readonly offset: number
  readonly transaction_offset: number
  readonly row_id: string
  readonly operation: LoggedChange['operation']
  readonly version: number
  readonly before: string | null
  readonly after: string | null
  readonly mutation_id: string | null
  readonly actor: string | null
  readonly at: number
}

/** The log and the table as they are in the file, at one moment. */
export function readDatabase(path: string): { readonly log: LoggedChange[]; readonly rows: Row[] } {
  const database = new Database(path, { readonly: true })
  try {
    return database.transaction(() => ({
      log: (database.prepare('SELECT * FROM dnr_change_log ORDER BY "offset"').all() as StoredChange[]).map(
        toChange,
      ),
      rows: database.prepare('SELECT * FROM Task ORDER BY id').all() as Row[],
    }))()
  } finally {
    database.close()
  }
}

/** SQLite's own opinion of the file: `ok`. */
export function checkIntegrity(path: string): unknown {
  const database = new Database(path, { readonly: true })
  try {
    return database.pragma('integrity_check', { simple: true })
  } finally {
    database.close()
  }
}

function toChange(stored: StoredChange): LoggedChange {
  return {
    offset: stored.offset,
    transaction: stored.transaction_offset,
    id: stored.row_id,
    operation: stored.operation,
    version: stored.version,
    before: parse(stored.before),
    after: parse(stored.after),
    mutationId: stored.mutation_id,
    actor: stored.actor,
    at: stored.at,
  }
}

function parse(image: string | null): Row | null {
  return image === null ? null : (JSON.parse(image) as Row)
}
