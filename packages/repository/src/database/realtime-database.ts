import type { ChangeSink, Clock, DnrError, Logger, Position } from '@dnr/protocol'
import type { Compilable, Kysely } from 'kysely'
import type { ChangeLog } from '../change-log/change-log.ts'
import type { Verification } from '../change-log/verify-log.ts'
import type { ChangeRelay } from '../relay/change-relay.ts'
import type { RealtimeRepository } from '../rows/realtime-repository.ts'
import type { DynamicTables } from './compile.ts'
import type { Synchronous } from './open-handles.ts'
import type { SqliteHandle } from './sqlite-handle.ts'

/** Where the database is, and how it is used. */
export type DatabaseOptions = DatabaseLocation & DatabaseSettings

/** A file that DNR opens (and closes), or a handle that is yours (and stays open). */
export type DatabaseLocation =
  | {
      /** A file, made when absent, or `:memory:`. Its directory must exist. */
      readonly path: string
      readonly handle?: never
      readonly readerHandle?: never
    }
  | {
      readonly path?: never
      /** A driver's handle. A transaction of yours makes DNR wait; what you write with it is logged where `captureTable` is on. */
      readonly handle: SqliteHandle
      /** A second handle on the same file, so that reads go on while an async transaction is open. @default reads wait */
      readonly readerHandle?: SqliteHandle
    }

/** Settings with their defaults in {@link DATABASE_DEFAULTS}. */
export interface DatabaseSettings {
  /**
   * `full`: a write is answered when it is on the disk. `normal`: faster, but a power cut may take back the last answered
   * writes (never half of one). @default 'full'
   */
  readonly synchronous?: Synchronous
  /**
   * Reads the whole file before anything is served from it, so that a damaged one is refused with `storage_corrupt`.
   * Costs about 1.5 ms per megabyte at every start; `false` for files so large that this is too long. @default true
   */
  readonly checkOnOpen?: boolean
  /** How long reads and writes try again while another process holds the lock; then `busy`. Nothing blocks. @default 5_000 */
  readonly busyTimeoutMs?: number
  /** Writes that may wait; more are refused with `busy`. @default 10_000 */
  readonly maxQueuedWrites?: number
  /** How long an async transaction may stay open; then it is rolled back. @default 5_000 */
  readonly transactionTimeoutMs?: number
  /** Within which time a relay notices writes of other processes. @default 100 */
  readonly relayPollMs?: number
  /**
   * A transaction of more changes is handed on by the relay, and read from the log, in parts between which the event loop turns.
   * Its subscribers read it from the log; they see all of it at once as before. One that this process has made itself is held in
   * memory until it is committed, and up to 5,000 changes until the relay has told of it. @default 1_000
   */
  readonly maxWholeChanges?: number
  /**
   * How long the write-ahead log may become, in bytes, before an error in the log says so: a reader that never ends keeps
   * it from being folded in. Nothing is refused. @default 67_108_864 (64 MiB)
   */
  readonly walAlarmBytes?: number
  /** @default the host's clock */
  readonly clock?: Clock
  /** Spreads retries. @default the host's random numbers */
  readonly random?: () => number
  /**
   * Names this process' epoch of the log: 1 to 31 letters, digits or `_`, never the same twice. Positions may have another
   * name before it, joined by `-`. @default 12 random characters
   */
  readonly createEpoch?: () => string
  /** @default silent */
  readonly logger?: Logger
}

/** Defaults of {@link DatabaseSettings}. */
export const DATABASE_DEFAULTS = {
  synchronous: 'full',
  checkOnOpen: true,
  busyTimeoutMs: 5_000,
  maxQueuedWrites: 10_000,
  transactionTimeoutMs: 5_000,
  relayPollMs: 100,
  maxWholeChanges: 1_000,
  walAlarmBytes: 67_108_864,
} as const

/** A transaction that repositories join with `repository.within(tx)`. */
export interface DatabaseTransaction {
  /** Reads inside the transaction, whatever table: `tx.query(database.kysely.selectFrom('project').selectAll())`. */
  query<Row>(query: Compilable<Row>): Promise<readonly Row[]>
}

/** How it goes. */
export interface DatabaseHealth {
  /**
   * Can it be read, is the log there, and did the last write work? Is the file still where it was opened, and do captured
   * tables have their triggers?
   */
  readonly ok: boolean
  /** Why not. After a write that the storage refused it stays until one works again; a damaged file stays damaged. */
  readonly error: DnrError | null
  readonly position: Position | null
  /** Writes that wait. */
  readonly queuedWrites: number
  /** Size of the write-ahead log; `null` for a database in memory. */
  readonly walBytes: number | null
}

/** One SQLite database with a change log. `Tables` is your Kysely schema, for reads of your own. */
export interface RealtimeDatabase<Tables = DynamicTables> {
  /**
   * Makes DNR's own tables and those of the given repositories; begins this process' epoch of the log. A table that is
   * there already is used as it is, if it has the columns. Makes, adapts or removes the triggers of `captureTable`.
   *
   * @throws DnrError `bad_entity` naming the columns that are missing, and the SQL that adds them; `bad_option` when two of
   * the entities share a table and none captures it: they would not hear each other's writes
   */
  migrate(repositories?: readonly RealtimeRepository[]): Promise<void>
  /**
   * Runs `work` in one transaction: all its changes commit and reach subscribers together, or not at all. Nobody else
   * writes meanwhile. What `work` throws rolls everything back and comes out unchanged.
   *
   * @throws DnrError `transaction_timeout` when it stays open too long
   */
  transaction<T>(
    work: (transaction: DatabaseTransaction) => Promise<T>,
    options?: { readonly timeoutMs?: number },
  ): Promise<T>
  /**
   * Compares the rows with what the log says of them: finds what other programs wrote around it, and what damage has done
   * to either. Reads the whole log and the tables in short reads, with about a hundred bytes of memory a row; others write
   * meanwhile. For a nightly job, or after a restore; nothing calls it by itself.
   *
   * @throws DnrError `busy` when the log is trimmed under it
   */
  verify(repositories: readonly RealtimeRepository[]): Promise<Verification>
  readonly changeLog: ChangeLog
  /** `startChangeRelay(database.changeLog, sink)`. */
  startRelay(sink: ChangeSink): ChangeRelay
  /** For reads of your own; it refuses to write. */
  readonly kysely: Kysely<Tables>
  /**
   * Never rejects, and is cheap enough to be asked every second. While the last write has failed, each call tries a small
   * one, so that a database which nobody writes to any more is seen to have healed.
   */
  health(): Promise<DatabaseHealth>
  /**
   * Refuses new writes, finishes those that were accepted, lets each relay deliver what is left (the first failure of its
   * sink ends that), and closes what was opened. Idempotent.
   */
  close(): Promise<void>
}
