/**
 * The part of a SQLite driver used here. A better-sqlite3 `Database` fits; `node:sqlite` fits through a small shim.
 *
 * Every method is synchronous.
 */
export interface SqliteHandle {
  prepare(sql: string): SqliteStatement
  exec(sql: string): unknown
  close(): unknown
  /** Is a transaction open on this handle? Without it, DNR cannot tell that somebody else's is. */
  readonly inTransaction?: boolean
}

/** A prepared statement of a {@link SqliteHandle}. */
export interface SqliteStatement {
  run(...parameters: unknown[]): { readonly changes: number | bigint }
  get(...parameters: unknown[]): unknown
  all(...parameters: unknown[]): unknown[]
  /** Makes it answer with the first column alone. Drivers without it answer with rows. */
  pluck?(): SqliteStatement
  /** Does it return rows? */
  readonly reader?: boolean
  /** Does it leave the database as it is? Drivers that do not say so are trusted. */
  readonly readonly?: boolean
}
