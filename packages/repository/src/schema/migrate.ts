import { DnrError } from '@dnr/protocol'
import { SYSTEM_SCHEMA_VERSION, SYSTEM_TABLES_DDL } from '../change-log/log-tables.ts'
import type { Connection } from '../database/connection.ts'
import { captureTable, releaseTable } from '../capture/capture-table.ts'
import type { RowModel } from '../rows/row-model.ts'
import { migrateEntityTable } from './entity-table.ts'

/** The table of a repository. */
export interface MigratedTable {
  readonly model: RowModel
  /** Are writes around the repository to be logged? */
  readonly isCaptured: boolean
}

/** Brings a database up to what this code needs, inside a write transaction; doing so again changes nothing. */
export function migrateTables(connection: Connection, tables: readonly MigratedTable[]): void {
  for (const statement of SYSTEM_TABLES_DDL) connection.exec(statement)
  const [schema] = connection.query("SELECT value FROM dnr_meta WHERE name = 'schema'", []) as {
    value: number
  }[]
  if (schema !== undefined && schema.value > SYSTEM_SCHEMA_VERSION) {
    throw new DnrError(
      'storage_failed',
      `The database was written by a newer version of @dnr/repository (tables ${schema.value}, this code knows ${SYSTEM_SCHEMA_VERSION}): update the package.`,
    )
  }
  for (const { model } of tables) migrateEntityTable(connection, model)
  // Several repositories may share a table: it is captured when one of them asks for it.
  const captured = new Set(tables.filter(({ isCaptured }) => isCaptured).map(({ model }) => model.table))
  for (const { model, isCaptured } of tables) {
    if (isCaptured) captureTable(connection, model)
    else if (!captured.has(model.table)) releaseTable(connection, model)
  }
}
