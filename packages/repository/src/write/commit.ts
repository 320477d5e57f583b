// BEGIN IMMEDIATE, COMMIT and ROLLBACK of the writer. Holds nothing; what runs in between is the caller's.
import type { Connection } from '../database/connection.ts'
import { foreignTransaction, isBusy } from '../database/storage-error.ts'

/** What came of asking for the write lock. */
export type Begun =
  | { readonly status: 'begun' }
  | { readonly status: 'busy'; readonly error: unknown }
  | { readonly status: 'failed'; readonly error: unknown }

/**
 * Takes the write lock, or says why not; blocks for a few milliseconds at most.
 *
 * An open transaction that is not ours counts as busy: beginning inside it would make our commit part of somebody
 * else's rollback.
 */
export function begin(connection: Connection): Begun {
  try {
    connection.command('BEGIN IMMEDIATE')
    return { status: 'begun' }
  } catch (error) {
    if (connection.inTransaction()) return { status: 'busy', error: foreignTransaction() }
    return { status: isBusy(error) ? 'busy' : 'failed', error }
  }
}

/** Makes everything since {@link begin} durable, or undoes it and throws. */
export function commit(connection: Connection): void {
  try {
    connection.command('COMMIT')
  } catch (error) {
    rollback(connection)
    throw error
  }
}

/** Undoes everything since {@link begin}; harmless when SQLite has already done so. */
export function rollback(connection: Connection): void {
  if (connection.handle.inTransaction === false) return
  try {
    connection.command('ROLLBACK')
  } catch {
    // Nothing was open any more: the error that led here is the one to report.
  }
}
