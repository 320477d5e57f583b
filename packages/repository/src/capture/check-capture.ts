// Whether captured tables still have all their triggers. Holds nothing; capture-table.ts makes them.
import { DnrError } from '@dnr/protocol'
import { sql } from 'kysely'
import { systemTables } from '../change-log/log-tables.ts'
import { compileStatement } from '../database/compile.ts'
import type { Connection } from '../database/connection.ts'
import { TRIGGERS_OF_A_TABLE } from './capture-triggers.ts'

const uncaptured = compileStatement<object, { name: string; entity: string }>(
  () =>
    systemTables
      .selectFrom('dnr_captured_tables')
      .select(['table_name as name', 'entity'])
      .where(
        sql<boolean>`EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = table_name COLLATE NOCASE)
      AND (SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = table_name COLLATE NOCASE AND name GLOB 'dnr_capture_*') < ${sql.lit(TRIGGERS_OF_A_TABLE)}`,
      )
      .orderBy('table_name') as never,
)

/** A table that is rebuilt by hand (a new one, filled, and renamed) loses its triggers, and nothing fails. */
export function checkCapture(connection: Connection): DnrError | null {
  const lost = connection.get(uncaptured, {})
  if (lost === undefined) return null
  return new DnrError(
    'storage_failed',
    `"${lost.name}" has lost triggers of captureTable, as a table does that is made anew: not all that other programs write is logged. ` +
      `Call database.migrate with the repository of ${lost.entity}; database.verify then finds what was written meanwhile.`,
  )
}
