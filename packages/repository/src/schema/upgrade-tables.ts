// What brings the tables of an older version to the present one. Holds the statements; when they run is migrate.ts' business.
import type { Connection } from '../database/connection.ts'
import { SYSTEM_SCHEMA_VERSION, SYSTEM_TABLES_DDL } from '../change-log/log-tables.ts'

/**
 * Version 1: the log had AUTOINCREMENT, and the answers a table and an index, with longer fingerprints. The sequence of a log that was trimmed to
 * nothing says where it ended; from here on the floor does.
 *
 * The epochs change their name alone, against processes of version 1: they would count on without the sequence, and use
 * offsets twice. Nothing is renamed with ALTER TABLE, because that renames it in views and triggers of users, too.
 */
const SET_ASIDE_1 = [
  `UPDATE dnr_meta SET value = max(value, (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'dnr_change_log'))
  WHERE name = 'floor' AND NOT EXISTS (SELECT 1 FROM dnr_change_log)`,
  'CREATE TABLE dnr_change_log_1 AS SELECT * FROM dnr_change_log',
  'CREATE TABLE dnr_mutations_1 AS SELECT * FROM dnr_mutations',
  'DROP TABLE dnr_change_log',
  'DROP TABLE dnr_mutations',
]
const TAKE_OVER_1 = [
  'INSERT INTO dnr_change_log SELECT * FROM dnr_change_log_1 ORDER BY "offset"',
  `INSERT INTO dnr_mutations (scope, mutation_id, fingerprint, version, "offset", at, answer)
  SELECT scope, mutation_id, substr(fingerprint, 1, 22), version, "offset", at, answer FROM dnr_mutations_1`,
  'INSERT INTO dnr_log_epochs SELECT * FROM dnr_epochs',
  'DROP TABLE dnr_change_log_1',
  'DROP TABLE dnr_mutations_1',
  'DROP TABLE dnr_epochs',
]

/** Makes the tables, or makes new ones of those that a version before had; inside a write transaction. */
export function makeSystemTables(connection: Connection, version: number | null): void {
  const isFirst = version === 1
  const statements = isFirst
    ? [...SET_ASIDE_1, ...SYSTEM_TABLES_DDL, ...TAKE_OVER_1, ...usersTriggers(connection)]
    : SYSTEM_TABLES_DDL
  for (const statement of statements) connection.exec(statement)
  connection.exec(
    `UPDATE dnr_meta SET value = ${SYSTEM_SCHEMA_VERSION} WHERE name = 'schema' AND value <> ${SYSTEM_SCHEMA_VERSION}`,
  )
}

/** What users have put on the log goes with the table, and has to be made again. */
function usersTriggers(connection: Connection): string[] {
  const triggers = connection.query(
    "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'dnr_change_log' AND name NOT GLOB 'dnr_*'",
    [],
  ) as { sql: string }[]
  return triggers.map(({ sql }) => sql)
}
