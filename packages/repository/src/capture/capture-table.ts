// Makes a table's writes by other programs part of the change log, or stops doing so. Holds the comparison of what is
// there with what should be; the triggers themselves are capture-triggers.ts'.
import { DnrError } from '@dnr/protocol'
import { partTransactions } from '../change-log/part-transactions.ts'
import type { Connection } from '../database/connection.ts'
import type { RowModel } from '../rows/row-model.ts'
import { type CaptureObject, captureObjects } from './capture-triggers.ts'
import { hasTextIds, tableKeys } from './table-keys.ts'

/**
 * Brings the triggers of tables in step with their entities, inside a write transaction; nothing happens when they are.
 *
 * @throws DnrError `bad_option` when a table is captured for another entity, `bad_entity` when ids need not be text
 */
export function captureTables(connection: Connection, models: readonly RowModel[]): void {
  for (const { table } of models) dropRenamed(connection, table)
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
  if (!hasTextIds(connection, table)) {
    throw new DnrError(
      'bad_entity',
      `captureTable: "${table}".id is declared without a type, so that a number may be an id, which the log cannot hold: declare it TEXT.`,
    )
  }
  const wanted = captureObjects(model, tableKeys(connection, table))
  const present = presentObjects(connection, table)
  if (isSame(wanted, present)) return false
  drop(connection, present)
  for (const { sql } of wanted) connection.exec(sql)
  forgetWrites(connection, entity.name)
  forgetTable(connection, table)
  connection.exec(`INSERT INTO dnr_captured_tables VALUES ('${table}', '${entity.name}')`)
  return true
}

/** Takes the triggers of a table away, if its writes are captured for this entity. */
export function releaseTable(connection: Connection, { table, entity }: RowModel): void {
  if (ownerOf(connection, table) !== entity.name) return
  drop(connection, presentObjects(connection, table))
  forgetWrites(connection, entity.name)
  forgetTable(connection, table)
}

/**
 * Takes the triggers of all captured tables away, for {@link captureTables} to make them anew.
 *
 * @throws DnrError `bad_option` when a captured table is not among `tables`: its writes would go unseen from then on
 */
export function dropTriggers(connection: Connection, tables: readonly string[]): void {
  followTables(connection)
  const given = new Set(tables.map((name) => name.toLowerCase()))
  const captured = connection.query('SELECT table_name AS name FROM dnr_captured_tables', []) as {
    name: string
  }[]
  const missing = captured.find(({ name }) => !given.has(name.toLowerCase()))
  if (missing !== undefined) {
    throw new DnrError(
      'bad_option',
      `The database comes from an older version and captures the writes of "${missing.name}": give its repository to migrate, too, this once.`,
    )
  }
  for (const { name } of captured) drop(connection, presentObjects(connection, name))
}

/** Brings what is noted of captured tables in step with tables that were renamed or dropped. */
export function followTables(connection: Connection): void {
  connection.exec(
    `UPDATE OR REPLACE dnr_captured_tables SET table_name = ${RENAMED_TO} WHERE ${RENAMED_TO} IS NOT NULL`,
  )
  const gone = connection.query(
    `SELECT table_name AS name FROM dnr_captured_tables AS captured WHERE ${IS_DROPPED} OR (NOT ${hasTriggers('captured')} AND ${IS_ELSEWHERE})`,
    [],
  ) as { name: string }[]
  for (const { name } of gone) {
    drop(connection, presentObjects(connection, name))
    forgetTable(connection, name)
  }
}

/** A table that is renamed takes its triggers along, under their old names. */
const RENAMED_TO = `(SELECT tbl_name FROM sqlite_schema WHERE type = 'trigger'
  AND name = 'dnr_capture_' || table_name || '_before_insert' AND tbl_name <> table_name COLLATE NOCASE)`
/** One that is dropped takes them along, and leaves what is beside it. */
const IS_DROPPED = "table_name COLLATE NOCASE NOT IN (SELECT name FROM sqlite_schema WHERE type = 'table')"
/** Of one that was renamed an earlier version kept both names. */
const IS_ELSEWHERE = `EXISTS (SELECT 1 FROM dnr_captured_tables AS other
  WHERE other.entity = captured.entity AND other.table_name <> captured.table_name AND ${hasTriggers('other')})`

function hasTriggers(captured: string): string {
  return `EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ${captured}.table_name COLLATE NOCASE AND name GLOB 'dnr_capture_*')`
}

/** Before another table takes the name that triggers of a renamed one still go by. */
function dropRenamed(connection: Connection, table: string): void {
  const present = presentObjects(connection, table)
  if (capturedNames(present).some((name) => name !== table)) drop(connection, present)
}

function ownerOf(connection: Connection, table: string): string | undefined {
  const [row] = connection.query(
    'SELECT entity FROM dnr_captured_tables WHERE table_name = ? COLLATE NOCASE',
    [table],
  ) as {
    entity: string
  }[]
  return row?.entity
}

/** Under the names, too, that they got before the table was renamed, be it in case alone: to SQLite that is the same name. */
function presentObjects(connection: Connection, table: string): CaptureObject[] {
  const triggers = connection.query(
    "SELECT type, name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE AND name GLOB 'dnr_capture_*'",
    [table],
  ) as CaptureObject[]
  const names = new Set([table, ...capturedNames(triggers)].map((name) => name.toLowerCase()))
  const views = [...names].flatMap(
    (name) =>
      connection.query(
        "SELECT type, name, sql FROM sqlite_schema WHERE type = 'view' AND name = ? COLLATE NOCASE",
        [`dnr_images_${name}`],
      ) as CaptureObject[],
  )
  return [...triggers, ...views]
}

/** What the table was called when its triggers were made. */
function capturedNames(objects: readonly CaptureObject[]): string[] {
  return objects.flatMap(({ name }) => /^dnr_capture_(.*)_before_insert$/.exec(name)?.[1] ?? [])
}

function isSame(wanted: readonly CaptureObject[], present: readonly CaptureObject[]): boolean {
  const sqlByName = new Map(present.map(({ name, sql }) => [name, sql]))
  return sqlByName.size === wanted.length && wanted.every(({ name, sql }) => sqlByName.get(name) === sql)
}

function drop(connection: Connection, objects: readonly CaptureObject[]): void {
  for (const { type, name } of objects) connection.exec(`DROP ${type} "${name}"`)
}

function forgetTable(connection: Connection, table: string): void {
  connection.exec(`DELETE FROM dnr_captured_tables WHERE table_name = '${table}' COLLATE NOCASE`)
}

function forgetWrites(connection: Connection, entity: string): void {
  connection.exec(`DELETE FROM dnr_row_writes WHERE entity = '${entity}'`)
}
