import type { ChangeSink, Clock, DnrError, Logger, Position } from '@dnr/protocol'
import type { Compilable, Kysely } from 'kysely'
import type { ChangeLog } from '../change-log/change-log.ts'
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
      /** A driver's handle. Writes outside DNR's repositories go unnoticed; a transaction of yours makes DNR wait. */
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
  /** How long reads and writes try again while another process holds the lock; then `busy`. Nothing blocks. @default 5_000 */
  readonly busyTimeoutMs?: number
  /** Writes that may wait; more are refused with `busy`. @default 10_000 */
  readonly maxQueuedWrites?: number
  /** How long an async transaction may stay open; then it is rolled back. @default 5_000 */
  readonly transactionTimeoutMs?: number
  /** Within which time a relay notices writes of other processes. @default 100 */
  readonly relayPollMs?: number
  /** @default the host's clock */
  readonly clock?: Clock
  /** Spreads retries. @default the host's random numbers */
  readonly random?: () => number
  /** Names this process' epoch of the log; never the same name twice. @default 21 random URL-safe characters */
  readonly createEpoch?: () => string
  /** @default silent */
  readonly logger?: Logger
}

/** Defaults of {@link DatabaseSettings}. */
export const DATABASE_DEFAULTS = {
  synchronous: 'full',
  busyTimeoutMs: 5_000,
  maxQueuedWrites: 10_000,
  transactionTimeoutMs: 5_000,
  relayPollMs: 100,
} as const

/** A transaction that repositories join with `repository.within(tx)`. */
export interface DatabaseTransaction {
  /** Reads inside the transaction, whatever table: `tx.query(database.kysely.selectFrom('project').selectAll())`. */
  query<Row>(query: Compilable<Row>): Promise<readonly Row[]>
}

/** How it goes. */
export interface DatabaseHealth {
  /** Can it be read, and is the log there? */
  readonly ok: boolean
  readonly error: DnrError | null
  readonly position: Position | null
  /** Writes that wait. */
  readonly queuedWrites: number
}

/** One SQLite database with a change log. `Tables` is your Kysely schema, for reads of your own. */
export interface RealtimeDatabase<Tables = DynamicTables> {
  /**
   * Makes DNR's own tables and those of the given repositories; begins this process' epoch of the log. A table that is
   * there already is used as it is, if it has the columns.
   *
   * @throws DnrError `bad_entity` naming the columns that are missing, and the SQL that adds them
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
  readonly changeLog: ChangeLog
  /** `startChangeRelay(database.changeLog, sink)`. */
  startRelay(sink: ChangeSink): ChangeRelay
  /** For reads of your own; it refuses to write. */
  readonly kysely: Kysely<Tables>
  health(): Promise<DatabaseHealth>
  /**
   * Refuses new writes, finishes those that were accepted, lets each relay deliver what is left (the first failure of its
   * sink ends that), and closes what was opened. Idempotent.
   */
  close(): Promise<void>
}
