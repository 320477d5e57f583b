import { DnrError } from '@dnr/protocol'
import { SYSTEM_SCHEMA_VERSION, SYSTEM_TABLES_DDL } from '../change-log/log-tables.ts'
import type { Connection } from '../database/connection.ts'
import type { RowModel } from '../rows/row-model.ts'
import { migrateEntityTable } from './entity-table.ts'

/** Brings a database up to what this code needs, inside a write transaction; doing so again changes nothing. */
export function migrateTables(connection: Connection, models: readonly RowModel[]): void {
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
  for (const model of models) migrateEntityTable(connection, model)
}
