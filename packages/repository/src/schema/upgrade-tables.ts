// What brings the tables of an older version to the present one. Holds the statements; when they run is migrate.ts' business.
import type { Connection } from '../database/connection.ts'
import { SYSTEM_SCHEMA_VERSION, SYSTEM_TABLES_DDL } from '../change-log/log-tables.ts'

/**
 * Version 1: the log had AUTOINCREMENT, and the answers a table and an index, with longer fingerprints. The sequence of a log that was trimmed to
 * nothing says where it ended; from here on the floor does.
 */
const SET_ASIDE_1 = [
  `UPDATE dnr_meta SET value = max(value, (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'dnr_change_log'))
  WHERE name = 'floor' AND NOT EXISTS (SELECT 1 FROM dnr_change_log)`,
  'DROP INDEX dnr_change_log_entity',
  'ALTER TABLE dnr_change_log RENAME TO dnr_change_log_1',
  'ALTER TABLE dnr_mutations RENAME TO dnr_mutations_1',
]
const TAKE_OVER_1 = [
  'INSERT INTO dnr_change_log SELECT * FROM dnr_change_log_1',
  `INSERT INTO dnr_mutations (scope, mutation_id, fingerprint, version, "offset", at, answer)
  SELECT scope, mutation_id, substr(fingerprint, 1, 22), version, "offset", at, answer FROM dnr_mutations_1`,
  'DROP TABLE dnr_change_log_1',
  'DROP TABLE dnr_mutations_1',
]

/** Makes the tables, or makes new ones of those that a version before had; inside a write transaction. */
export function makeSystemTables(connection: Connection, version: number | null): void {
  const isFirst = version === 1
  const statements = [...(isFirst ? SET_ASIDE_1 : []), ...SYSTEM_TABLES_DDL, ...(isFirst ? TAKE_OVER_1 : [])]
  for (const statement of statements) connection.exec(statement)
  connection.exec(
    `UPDATE dnr_meta SET value = ${SYSTEM_SCHEMA_VERSION} WHERE name = 'schema' AND value <> ${SYSTEM_SCHEMA_VERSION}`,
  )
}
