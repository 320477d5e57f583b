import type { Operation } from '@dnr/protocol'
import { createQueryBuilder } from '../database/compile.ts'

/** A change as its row of the log holds it; images are JSON text. */
export interface LogRow {
  readonly offset: number
  readonly transaction_offset: number
  readonly entity: string
  readonly row_id: string
  readonly operation: Operation
  readonly version: number
  readonly before: string | null
  readonly after: string | null
  readonly mutation_id: string | null
  readonly actor: string | null
  readonly at: number
}

/** The tables that DNR keeps beside the user's. */
export interface SystemTables {
  dnr_change_log: LogRow
  /** Not by the name of version 1: a process of then that still has the file open looks here before it writes, and fails. */
  dnr_log_epochs: {
    readonly number: number
    readonly epoch: string
    readonly first_offset: number
    readonly opened_at: number
  }
  /** The last offset of an entity whose entries trimming has taken. */
  dnr_entity_heads: { readonly entity: string; readonly last_offset: number }
  /**
   * `floor`: everything up to this offset may be gone. `schema`: version of these tables. `ran_ms`: how long somebody has run
   * on this file, as far as was noted, the last time at `ran_at`.
   */
  dnr_meta: { readonly name: 'floor' | 'schema' | 'ran_ms' | 'ran_at'; readonly value: number }
  /** Where the log ended when somebody had run for so long: a row for an hour, see age-limit.ts. */
  dnr_log_ages: { readonly ran_ms: number; readonly offset: number }
  /**
   * By scope and id in one tree, and short: a write changes few pages of it. `answer` is `null` while the log has it, as the
   * image after the write at `offset`: trim-log.ts brings it here before the entry goes. (Of a bulk call it is here at once.)
   */
  dnr_mutations: {
    readonly scope: string
    readonly mutation_id: string
    readonly fingerprint: string
    readonly version: number
    readonly offset: number
    readonly at: number
    readonly answer: string | null
  }
  /** The answer that the round of trimming looked at last; no row: the next round begins. */
  dnr_answer_round: { readonly number: 1; readonly scope: string; readonly mutation_id: string }
  /** Versions of deleted rows, so that a row made again under its id goes on counting. */
  dnr_tombstones: {
    readonly entity: string
    readonly row_id: string
    readonly version: number
    readonly offset: number
  }
  /** Tables whose writes by other programs triggers put into the log: see capture/. */
  dnr_captured_tables: { readonly table_name: string; readonly entity: string }
  /** Writes of captured tables that have begun and are not over: see capture-triggers.ts. Empty between transactions. */
  dnr_row_writes: {
    readonly entity: string
    readonly row_id: string
    /** The row on whose account this one is kept: itself, or the one that may replace it. */
    readonly for_id: string | null
    /** What the log has already, before it happens to the row; or that an INSERT of it is under way, or `again` within another. */
    readonly mark: Operation | 'inserting' | 'again' | null
    /** Is `image` kept for an entry that is still to be written? */
    readonly kept: 0 | 1
    /** Of what the mark says; of the row as it was kept. */
    readonly version: number
    /** The row as the log last had it; `null`: it had none. */
    readonly image: string | null
  }
  /**
   * Number 0: the offset of the first entry of the SQL statement that triggers log now, or of the last one. Above: what they
   * count, see capture-triggers.ts.
   */
  dnr_captured_statements: { readonly number: number; readonly first_offset: number }
}

/** Builds queries over {@link SystemTables}. */
export const systemTables = createQueryBuilder<SystemTables>()

/**
 * The last offset: that of the newest entry, or the floor when trimming has taken them all. No offset is used twice,
 * because an entry goes only when the floor has passed it, which `dnr_change_log_floor` holds against everybody.
 */
export const HEAD_SQL = `coalesce((SELECT max("offset") FROM dnr_change_log), (SELECT value FROM dnr_meta WHERE name = 'floor'), 0)`

/** Statements that make the tables; each may be repeated. */
export const SYSTEM_TABLES_DDL: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS dnr_change_log (
    "offset" INTEGER PRIMARY KEY,
    transaction_offset INTEGER NOT NULL,
    entity TEXT NOT NULL,
    row_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    version INTEGER NOT NULL,
    "before" TEXT,
    "after" TEXT,
    mutation_id TEXT,
    actor TEXT,
    at INTEGER NOT NULL
  ) STRICT`,
  // The row id is part of every index: this one finds an entity's entries in log order.
  'CREATE INDEX IF NOT EXISTS dnr_change_log_entity ON dnr_change_log (entity)',
  `CREATE TABLE IF NOT EXISTS dnr_log_epochs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    epoch TEXT NOT NULL UNIQUE,
    first_offset INTEGER NOT NULL,
    opened_at INTEGER NOT NULL
  ) STRICT`,
  'CREATE TABLE IF NOT EXISTS dnr_entity_heads (entity TEXT PRIMARY KEY, last_offset INTEGER NOT NULL) STRICT',
  'CREATE TABLE IF NOT EXISTS dnr_meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT',
  'CREATE TABLE IF NOT EXISTS dnr_log_ages (ran_ms INTEGER PRIMARY KEY, "offset" INTEGER NOT NULL) STRICT',
  `CREATE TRIGGER IF NOT EXISTS dnr_change_log_floor BEFORE DELETE ON dnr_change_log
  WHEN OLD."offset" > (SELECT value FROM dnr_meta WHERE name = 'floor')
  BEGIN
    SELECT RAISE(ABORT, 'entries of dnr_change_log are removed by changeLog.trim() alone');
  END`,
  `CREATE TABLE IF NOT EXISTS dnr_mutations (
    scope TEXT NOT NULL,
    mutation_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    version INTEGER NOT NULL,
    "offset" INTEGER NOT NULL,
    at INTEGER NOT NULL,
    answer TEXT,
    PRIMARY KEY (scope, mutation_id)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS dnr_answer_round (
    number INTEGER PRIMARY KEY CHECK (number = 1),
    scope TEXT NOT NULL,
    mutation_id TEXT NOT NULL
  ) STRICT`,
  `CREATE TABLE IF NOT EXISTS dnr_tombstones (
    entity TEXT NOT NULL,
    row_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    "offset" INTEGER NOT NULL,
    PRIMARY KEY (entity, row_id)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS dnr_captured_tables (
    table_name TEXT PRIMARY KEY,
    entity TEXT NOT NULL
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS dnr_row_writes (
    entity TEXT NOT NULL,
    row_id TEXT NOT NULL,
    for_id TEXT,
    mark TEXT,
    kept INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL,
    image TEXT,
    PRIMARY KEY (entity, row_id)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS dnr_captured_statements (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    first_offset INTEGER NOT NULL
  ) STRICT`,
  'CREATE INDEX IF NOT EXISTS dnr_row_writes_for ON dnr_row_writes (entity, for_id) WHERE for_id IS NOT NULL',
  "INSERT OR IGNORE INTO dnr_meta (name, value) VALUES ('floor', 0), ('schema', 2), ('ran_ms', 0), ('ran_at', 0)",
]

/** Version of these tables that this code knows. */
export const SYSTEM_SCHEMA_VERSION = 2
