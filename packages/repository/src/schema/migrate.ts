import { DnrError } from '@dnr/protocol'
import { SYSTEM_SCHEMA_VERSION } from '../change-log/log-tables.ts'
import type { Connection } from '../database/connection.ts'
import { captureTables, dropTriggers, followTables, releaseTable } from '../capture/capture-table.ts'
import type { RowModel } from '../rows/row-model.ts'
import { migrateEntityTable } from './entity-table.ts'
import { makeSystemTables } from './upgrade-tables.ts'

/** The table of a repository. */
export interface MigratedTable {
  readonly model: RowModel
  /** Are writes around the repository to be logged? */
  readonly isCaptured: boolean
}

/**
 * Brings a database up to what this code needs, inside a write transaction; doing so again changes nothing.
 *
 * @throws DnrError `bad_option` when entities share a table and none captures it
 */
export function migrateTables(connection: Connection, tables: readonly MigratedTable[]): void {
  const version = readSchemaVersion(connection)
  if (version !== null && version > SYSTEM_SCHEMA_VERSION) {
    throw new DnrError(
      'storage_failed',
      `The database was written by a newer version of @dnr/repository (tables ${version}, this code knows ${SYSTEM_SCHEMA_VERSION}): update the package.`,
    )
  }
  // Triggers of an older version would write into the log as it was then.
  if (version !== null && version < SYSTEM_SCHEMA_VERSION)
    dropTriggers(
      connection,
      tables.map(({ model }) => model.table),
    )
  refuseDeafTwins(tables)
  makeSystemTables(connection, version)
  followTables(connection)
  for (const { model } of tables) migrateEntityTable(connection, model)
  // Several repositories may share a table: it is captured when one of them asks for it.
  const captured = tables.filter(({ isCaptured }) => isCaptured).map(({ model }) => model)
  const capturedNames = new Set(captured.map(({ table }) => table.toLowerCase()))
  for (const { model } of tables) {
    if (!capturedNames.has(model.table.toLowerCase())) releaseTable(connection, model)
  }
  captureTables(connection, captured)
}

/** A write is logged for the entity of its repository; of another's on the same table nobody would hear. */
function refuseDeafTwins(tables: readonly MigratedTable[]): void {
  const sharing = Map.groupBy(tables, ({ model }) => model.table.toLowerCase())
  for (const [table, sharers] of sharing) {
    const names = [...new Set(sharers.map(({ model }) => model.entity.name))]
    if (names.length === 1 || sharers.some(({ isCaptured }) => isCaptured)) continue
    throw new DnrError(
      'bad_option',
      `${names.join(' and ')} share the table "${table}", and neither would hear of what is written through the other. Use one entity, or captureTable for the one that is to hear everything.`,
    )
  }
}

/** `null`: there are no tables of ours yet. */
function readSchemaVersion(connection: Connection): number | null {
  if (connection.query("SELECT 1 FROM sqlite_schema WHERE name = 'dnr_meta'", []).length === 0) return null
  const [schema] = connection.query("SELECT value FROM dnr_meta WHERE name = 'schema'", []) as {
    value: number
  }[]
  return schema?.value ?? null
}
