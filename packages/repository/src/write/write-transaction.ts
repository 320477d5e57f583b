// What one BEGIN … COMMIT writes into the log. Holds the offsets it has given out; begins and ends nothing itself.
// Next: group-commit.ts and async-transaction.ts, which do.
import { type Change, DnrError, type Position } from '@dnr/protocol'
import {
  adoptEntries,
  announceOwnWrite,
  beginRowWrites,
  captureColumns,
  endRowWrites,
  joinEntries,
} from '../capture/row-writes.ts'
import { beginEpoch, hasBegun, headColumns, readHead } from '../change-log/epochs.ts'
import {
  type ImageTexts,
  type LogEntry,
  insertLogEntry,
  readEntries,
  toChange,
} from '../change-log/log-entries.ts'
import { systemTables } from '../change-log/log-tables.ts'
import { compileStatement } from '../database/compile.ts'
import type { Connection } from '../database/connection.ts'
import { endsTransaction } from '../database/storage-error.ts'
import { rollback } from './commit.ts'
import type { HeadMemory, SessionStart } from './head-memory.ts'
import type { ToldHistory } from './told-history.ts'

/** One logical transaction: its changes reach subscribers together. */
export interface WriteTransaction {
  readonly connection: Connection
  /** Wall clock of this transaction. */
  readonly now: number
  /**
   * Appends to the log, in the same database transaction as the row and before it: the triggers of a captured table log
   * only what is not there yet.
   */
  append(entry: LogEntry, texts: ImageTexts): Position
  /** Takes in what triggers of captured tables have logged since the last entry: on `actor`'s account, if known. */
  catchUp(actor: string | null): void
  /**
   * Before each step of a transaction that stays open, and before its end: takes in what the owner of the handle has done with
   * SQL of their own, be it that they went back to a savepoint.
   *
   * @throws DnrError `bad_option` when they have ended the transaction
   */
  resume(): void
  /**
   * Runs `write` under a savepoint: if it throws, row, log entry and offset are as before. An error of the storage ends
   * the transaction: then nothing of it is written, and every further call throws that error.
   */
  attempt<T>(write: () => T): T
  /** Where the log ends, as this transaction sees it. */
  position(): Position
  /** Its changes, as subscribers will see them; ends it. To be called before {@link LogSession.end}. */
  changes(): readonly Change[]
}

/** One BEGIN … COMMIT of the writer. */
export interface LogSession {
  /** Begins a logical transaction; the one before has to be over. */
  begin(): WriteTransaction
  /** To be called before COMMIT. */
  end(): void
  /** To be called after COMMIT. */
  committed(): void
  /** The error of the storage that has undone everything; `null` while the transaction is open. */
  readonly lost: { readonly error: unknown } | null
}

/** What the transactions of one writer hand on to the next. */
export interface LogMemory {
  /** Own name of this process' epoch; begun once, in whichever transaction comes first. */
  epoch: string
  /** Another name, for when the history has become another. */
  readonly createEpoch: () => string
  readonly told: ToldHistory
  /** Set after the COMMIT of the transaction that began it. */
  started: boolean
  /** Does nobody but the write queue write with the handle? */
  readonly isOwn: boolean
  readonly head: HeadMemory
}

// One statement: a lone write runs few others.
const startOfSession = compileStatement<object, SessionStart>(
  () => systemTables.selectNoFrom([...headColumns, ...captureColumns]) as never,
)

/** Learns where the log ends, inside a write transaction that has just begun. */
export function openLogSession(connection: Connection, memory: LogMemory, now: number): LogSession {
  const head = memory.head.take() ?? (connection.get(startOfSession, {}) as SessionStart)
  beginRowWrites(connection, head)
  if (!memory.told.isIn(connection, head)) {
    // A backup was put back under us. Its epoch may be ours: offsets that were told of mean something else from here on.
    memory.epoch = memory.createEpoch()
    memory.started = false
    memory.told.begun()
  }
  // A COMMIT that failed may have begun it nevertheless.
  const started = memory.started || hasBegun(connection, memory.epoch)
  // The newest epoch is that of the write transaction: if another process began one since, it counts for us too.
  const epoch =
    started && head.epoch !== null ? head.epoch : beginEpoch(connection, memory.epoch, head.offset, now)
  const captures = head.captures === 1
  const state: SessionState = { epoch, now, offset: head.offset, captures, isOwn: memory.isOwn, lost: null }
  return {
    begin: () => beginTransaction(connection, state),
    end() {
      if (captures) endRowWrites(connection)
    },
    committed() {
      memory.started = true
      memory.told.tell({ epoch, offset: state.offset })
      memory.head.keep({ epoch, offset: state.offset, captures: head.captures, leftovers: 0 })
    },
    get lost() {
      return state.lost
    },
  }
}

interface SessionState {
  readonly epoch: string
  readonly now: number
  /** Do triggers write into the log, too? */
  readonly captures: boolean
  readonly isOwn: boolean
  /** The last offset known to be used. */
  offset: number
  lost: { readonly error: unknown } | null
}

/** Which change is the last of its transaction is known when that ends. */
type AppendedChange = Omit<Change, 'last'> & { last: boolean }

function beginTransaction(connection: Connection, state: SessionState): WriteTransaction {
  const { epoch, now, captures, isOwn } = state
  const first = state.offset + 1
  const appended: AppendedChange[] = []
  /** May the owner of the handle have gone back to a savepoint? Then the log says what there is. */
  let isResumed = false

  /** Takes in what triggers have logged since. */
  const catchUp = (actor: string | null): void => {
    if (!captures) return
    const end = readHead(connection).offset
    const after = state.offset
    if (end === after) return
    adoptEntries(connection, { after, transaction: first, actor })
    appended.push(...readAppended(after, end))
    state.offset = end
  }

  const readAppended = (after: number, end: number): AppendedChange[] => {
    if (end <= after) return []
    const { rows } = readEntries(connection, { after, limit: end - after })
    return rows.map((row) => ({ ...toChange(row, [{ epoch, firstOffset: first }]), last: false }))
  }

  return {
    connection,
    now,
    append(entry, texts) {
      const offset = ++state.offset
      const position = { epoch, offset }
      const change = { ...entry, at: now, position, transaction: first, last: false }
      insertLogEntry(connection, change, texts)
      appended.push(change)
      if (captures) announceOwnWrite(connection, entry)
      return position
    },
    catchUp,
    resume() {
      if (isOwn) return
      if (connection.handle.inTransaction === false) throw endedError()
      isResumed = true
      state.offset = readHead(connection).offset
    },
    attempt(write) {
      if (state.lost !== null) throw state.lost.error
      const { offset } = state
      const length = appended.length
      connection.command('SAVEPOINT dnr')
      try {
        const value = write()
        connection.command('RELEASE dnr')
        return value
      } catch (error) {
        state.offset = offset
        appended.length = length
        // Without the transaction there is no savepoint to go back to, and the next one would begin a transaction.
        if (endsTransaction(error) || connection.handle.inTransaction === false) {
          state.lost = { error }
          rollback(connection)
          throw error
        }
        connection.command('ROLLBACK TO dnr')
        connection.command('RELEASE dnr')
        throw error
      }
    },
    position: () => ({ epoch, offset: state.offset }),
    changes() {
      if (isResumed) {
        joinEntries(connection, first)
        appended.splice(0, appended.length, ...readAppended(first - 1, state.offset))
      }
      const end = appended.at(-1)
      if (end !== undefined) end.last = true
      return appended
    },
  }
}

function endedError(): DnrError {
  return new DnrError(
    'bad_option',
    'The transaction was ended with SQL on the handle given to openDatabase: end it by returning, or by throwing.',
  )
}
