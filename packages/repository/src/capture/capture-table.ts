// Makes a table's writes by other programs part of the change log, or stops doing so. Holds the comparison of what is
// there with what should be; the triggers themselves are capture-triggers.ts'.
import { DnrError } from '@dnr/protocol'
import { partTransactions } from '../change-log/part-transactions.ts'
import type { Connection } from '../database/connection.ts'
import type { RowModel } from '../rows/row-model.ts'
import { type CaptureObject, captureObjects, type KeyColumn, type UniqueKey } from './capture-triggers.ts'

/**
 * Brings the triggers of tables in step with their entities, inside a write transaction; nothing happens when they are.
 *
 * @throws DnrError `bad_option` when a table is captured for another entity, `bad_entity` when it is declared so that
 * ordinary writes remove rows
 */
export function captureTables(connection: Connection, models: readonly RowModel[]): void {
  const changed = models.filter((model) => captureTable(connection, model))
  if (changed.length > 0) partTransactions(connection)
}

/** Has anything been changed? */
function captureTable(connection: Connection, model: RowModel): boolean {
  const { table, entity } = model
  const owner = ownerOf(connection, table)
  if (owner !== undefined && owner !== entity.name) {
    throw new DnrError(
      'bad_option',
      `captureTable: the writes of "${table}" are logged for ${owner} already. One table has one entity that captures it.`,
    )
  }
  if (isReplacing(connection, table)) {
    throw new DnrError(
      'bad_entity',
      `captureTable: "${table}" is declared with ON CONFLICT REPLACE, so that any write may remove other rows unseen. Leave it out, and write INSERT OR REPLACE where that is meant.`,
    )
  }
  const wanted = captureObjects(model, uniqueKeys(connection, table))
  const present = presentObjects(connection, table)
  if (isSame(wanted, present)) return false
  drop(connection, present)
  for (const { sql } of wanted) connection.exec(sql)
  forgetWrites(connection, entity.name)
  connection.exec(`INSERT OR REPLACE INTO dnr_captured_tables VALUES ('${table}', '${entity.name}')`)
  return true
}

/** Takes the triggers of a table away, if its writes are captured for this entity. */
export function releaseTable(connection: Connection, { table, entity }: RowModel): void {
  if (ownerOf(connection, table) !== entity.name) return
  drop(connection, presentObjects(connection, table))
  forgetWrites(connection, entity.name)
  connection.exec(`DELETE FROM dnr_captured_tables WHERE table_name = '${table}'`)
}

/**
 * Takes the triggers of all captured tables away, for {@link captureTables} to make them anew.
 *
 * @throws DnrError `bad_option` when a captured table is not among `tables`: its writes would go unseen from then on
 */
export function dropTriggers(connection: Connection, tables: readonly string[]): void {
  forgetDroppedTables(connection)
  const captured = connection.query('SELECT table_name AS name FROM dnr_captured_tables', []) as {
    name: string
  }[]
  const missing = captured.find(({ name }) => !tables.includes(name))
  if (missing !== undefined) {
    throw new DnrError(
      'bad_option',
      `The database comes from an older version and captures the writes of "${missing.name}": give its repository to migrate, too, this once.`,
    )
  }
  for (const { name } of captured) drop(connection, presentObjects(connection, name))
}

/** A table that is dropped takes its triggers along, and leaves what is beside it. */
function forgetDroppedTables(connection: Connection): void {
  const dropped = connection.query(
    "SELECT table_name AS name FROM dnr_captured_tables WHERE table_name COLLATE NOCASE NOT IN (SELECT name FROM sqlite_schema WHERE type = 'table')",
    [],
  ) as { name: string }[]
  for (const { name } of dropped) {
    drop(connection, presentObjects(connection, name))
    connection.exec(`DELETE FROM dnr_captured_tables WHERE table_name = '${name}'`)
  }
}

function ownerOf(connection: Connection, table: string): string | undefined {
  const [row] = connection.query('SELECT entity FROM dnr_captured_tables WHERE table_name = ?', [table]) as {
    entity: string
  }[]
  return row?.entity
}

function isReplacing(connection: Connection, table: string): boolean {
  const [row] = connection.query(
    "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ? COLLATE NOCASE",
    [table],
  ) as { sql: string }[]
  return /\bON\s+CONFLICT\s+REPLACE\b/i.test(row?.sql ?? '')
}

function presentObjects(connection: Connection, table: string): CaptureObject[] {
  return connection.query(
    "SELECT type, name, sql FROM sqlite_schema WHERE (type = 'trigger' AND tbl_name = ? AND name GLOB 'dnr_capture_*') OR (type = 'view' AND name = ?)",
    [table, `dnr_images_${table}`],
  ) as CaptureObject[]
}

function isSame(wanted: readonly CaptureObject[], present: readonly CaptureObject[]): boolean {
  const sqlByName = new Map(present.map(({ name, sql }) => [name, sql]))
  return sqlByName.size === wanted.length && wanted.every(({ name, sql }) => sqlByName.get(name) === sql)
}

function drop(connection: Connection, objects: readonly CaptureObject[]): void {
  for (const { type, name } of objects) connection.exec(`DROP ${type} "${name}"`)
}

function forgetWrites(connection: Connection, entity: string): void {
  connection.exec(`DELETE FROM dnr_row_writes WHERE entity = '${entity}'`)
}

/** The table's keys beside its id. One over an expression is left out: no column says what its value would be. */
function uniqueKeys(connection: Connection, table: string): UniqueKey[] {
  const primary = connection.query(
    "SELECT name, 'BINARY' AS collation FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk",
    [table],
  )
  const indexes = connection.query('SELECT name FROM pragma_index_list(?) WHERE "unique" = 1 ORDER BY name', [
    table,
  ]) as { name: string }[]
  const keys = [
    primary,
    ...indexes.map(({ name }) =>
      connection.query(
        'SELECT name, coll AS collation FROM pragma_index_xinfo(?) WHERE "key" = 1 ORDER BY seqno',
        [name],
      ),
    ),
  ] as { name: string | null; collation: string }[][]
  const named = keys.filter(
    (key): key is KeyColumn[] => key.length > 0 && key.every(({ name }) => name !== null),
  )
  const byText = new Map(
    named.map((key) => [key.map(({ name, collation }) => `${name} ${collation}`).join(), key]),
  )
  byText.delete('id BINARY')
  return [...byText.values()]
}
