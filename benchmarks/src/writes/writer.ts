import type { ItemRow } from '../contenders/item.ts'

/** How hard a commit presses its pages onto the disk. */
export type Synchronous = 'normal' | 'full'

/** One way to write rows. Each call is durable, as far as its mode goes, when it returns or resolves. */
export interface Writer {
  create(row: ItemRow): unknown
  /** Sets title and rank; the version rises by one. */
  update(id: string, patch: Pick<ItemRow, 'title' | 'rank'>): unknown
  close(): unknown
}

/** What a hand-written log holds beside the row; `DNR` keeps the same. */
export const LOG_DDL = `
  CREATE TABLE IF NOT EXISTS log (
    "offset" INTEGER PRIMARY KEY AUTOINCREMENT, entity TEXT NOT NULL, row_id TEXT NOT NULL, operation TEXT NOT NULL,
    version INTEGER NOT NULL, "before" TEXT, "after" TEXT, mutation_id TEXT, actor TEXT, at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS log_entity ON log (entity);
  CREATE TABLE IF NOT EXISTS answers (
    scope TEXT NOT NULL, mutation_id TEXT NOT NULL, answer TEXT, version INTEGER NOT NULL, "offset" INTEGER NOT NULL,
    at INTEGER NOT NULL, UNIQUE (scope, mutation_id)
  ) STRICT;`

export const ITEM_DDL = `
  CREATE TABLE IF NOT EXISTS Item (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, status TEXT NOT NULL, team TEXT NOT NULL, rank REAL NOT NULL,
    notes TEXT NOT NULL, version INTEGER NOT NULL
  ) STRICT;`
