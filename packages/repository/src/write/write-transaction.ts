// What one BEGIN … COMMIT writes into the log. Holds the offsets it has given out; begins and ends nothing itself.
// Next: group-commit.ts and async-transaction.ts, which do.
import type { Change, Position } from '@dnr/protocol'
import { beginEpoch, readEpochs, readHead } from '../change-log/epochs.ts'
import { type LogEntry, insertLogEntry } from '../change-log/log-entries.ts'
import type { Connection } from '../database/connection.ts'
import { endsTransaction } from '../database/storage-error.ts'
import { rollback } from './commit.ts'

/** One logical transaction: its changes reach subscribers together. */
export interface WriteTransaction {
  readonly connection: Connection
  /** Wall clock of this transaction. */
  readonly now: number
  /** Appends to the log, in the same database transaction as the row. */
  append(entry: LogEntry): Position
  /**
   * Runs `write` under a savepoint: if it throws, row, log entry and offset are as before. An error of the storage ends
   * the transaction: then nothing of it is written, and every further call throws that error.
   */
  attempt<T>(write: () => T): T
  /** The changes appended so far, as subscribers will see them. */
  changes(): readonly Change[]
}

/** One BEGIN … COMMIT of the writer. */
export interface LogSession {
  /** Begins a logical transaction; the one before has to be over. */
  begin(): WriteTransaction
  /** The error of the storage that has undone everything; `null` while the transaction is open. */
  readonly lost: { readonly error: unknown } | null
}

/** What starts this process' own epoch, once, in whichever transaction comes first. */
export interface EpochStart {
  readonly epoch: string
  /** Set after the COMMIT of the transaction that wrote it. */
  started: boolean
}

/** Reads the log's end, inside a write transaction that has just begun. */
export function openLogSession(connection: Connection, start: EpochStart, now: number): LogSession {
  const head = readHead(connection)
  // A COMMIT that failed may have begun it nevertheless.
  const started = start.started || readEpochs(connection).some((range) => range.epoch === start.epoch)
  // The newest epoch is read inside the write transaction: if another process began one since, it counts for us too.
  const epoch = started && head.epoch !== null ? head.epoch : start.epoch
  if (!started) beginEpoch(connection, epoch, head.offset, now)
  const state: SessionState = { offset: head.offset, lost: null }
  return {
    begin: () => beginTransaction(connection, state, epoch, now),
    get lost() {
      return state.lost
    },
  }
}

interface SessionState {
  /** The last offset given out. */
  offset: number
  lost: { readonly error: unknown } | null
}

function beginTransaction(
  connection: Connection,
  head: SessionState,
  epoch: string,
  now: number,
): WriteTransaction {
  const first = head.offset + 1
  const appended: Omit<Change, 'last'>[] = []

  return {
    connection,
    now,
    append(entry) {
      const offset = ++head.offset
      insertLogEntry(connection, entry, { offset, transaction: first, at: now })
      const position = { epoch, offset }
      const { beforeText: _before, afterText: _after, ...change } = entry
      appended.push({ ...change, at: now, position, transaction: first })
      return position
    },
    attempt(write) {
      if (head.lost !== null) throw head.lost.error
      const offset = head.offset
      const length = appended.length
      connection.exec('SAVEPOINT dnr')
      try {
        const value = write()
        connection.exec('RELEASE dnr')
        return value
      } catch (error) {
        head.offset = offset
        appended.length = length
        // Without the transaction there is no savepoint to go back to, and the next one would begin a transaction.
        if (endsTransaction(error) || connection.handle.inTransaction === false) {
          head.lost = { error }
          rollback(connection)
          throw error
        }
        connection.exec('ROLLBACK TO dnr')
        connection.exec('RELEASE dnr')
        throw error
      }
    },
    changes: () => appended.map((change, index) => ({ ...change, last: index === appended.length - 1 })),
  }
}
