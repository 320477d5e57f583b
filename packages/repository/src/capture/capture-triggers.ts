// The triggers of `captureTable`, as text. Pure; capture-table.ts puts them into the database.
//
// dnr_row_writes holds what has begun and is not in the log yet. OLD and NEW would not do: a REPLACE removes rows without
// firing a trigger for them, and triggers of the user's own change the row again before ours have run.
//
//   before   keep the row's image as the log last had it (none: there is no such row), unless one is kept already
//   after    settle: what was kept and the row as it is now become one entry; the row's version rises by one
//
// A repository puts its own write into the log before it touches the row, and a mark with the new version beside it: then
// nothing is kept, and there is nothing to settle. Only while that write is under way is the mark's version ahead of the
// row's, or the row of a creation absent; no SQL by others can look like it, since whatever it does to `version`, the row
// ends one above what was kept.
//
// The entries that come of one SQL statement, however many rows and triggers it touches, are one transaction of the log.
// A trigger cannot see where a statement begins; but SQLite counts the rows of a table with AUTOINCREMENT in memory while
// one runs, and writes the count into sqlite_sequence when it ends. So the first row that a statement counts is the one
// after sqlite_sequence, and no other is: whether the statement before ended well, kept rows and failed (OR FAIL, when
// its count is lost), or was undone.
//
// What is kept for a statement that then leaves the row alone (INSERT OR IGNORE) does no harm: it is still what the log
// has. The next transaction of a repository clears it away.
import type { RowModel } from '../rows/row-model.ts'
import { HEAD_SQL } from '../change-log/log-tables.ts'
import { imageSql, VERSION_SQL } from './image-sql.ts'

/** Columns of which no two rows have the same values. */
export type UniqueKey = readonly KeyColumn[]

export interface KeyColumn {
  readonly name: string
  /** By which values are the same; the column itself may be declared with another. */
  readonly collation: string
}

/** A view or a trigger that belongs to a captured table. */
export interface CaptureObject {
  readonly type: 'view' | 'trigger'
  readonly name: string
  /** How it is made; what sqlite_schema gives back. */
  readonly sql: string
}

/** What captures a table, in the order in which it is made. `uniqueKeys`: beside the id. */
export function captureObjects(model: RowModel, uniqueKeys: readonly UniqueKey[]): CaptureObject[] {
  const sql = createParts(model)
  const conflicts = [[ID], ...uniqueKeys].map(conflictSql)
  const conflictsWithOthers = conflicts.map((condition) => `${condition} AND "id" IS NOT OLD."id" ${BYTES}`)
  const keyColumns = [...new Set([ID, ...uniqueKeys.flat()].map(({ name }) => `"${name}"`))]

  const trigger = (
    name: string,
    moment: string,
    when: string,
    statements: readonly string[],
  ): CaptureObject => ({
    type: 'trigger',
    name: `dnr_capture_${model.table}_${name}`,
    sql: `CREATE TRIGGER "dnr_capture_${model.table}_${name}" ${moment} ON "${model.table}"\nWHEN ${when}\nBEGIN\n${statements.map((statement) => `${statement};\n`).join('')}END`,
  })

  return [
    { type: 'view', name: sql.view, sql: sql.createView },
    trigger(
      'before_insert',
      'BEFORE INSERT',
      `NEW."id" IS NOT NULL AND (NOT ${sql.isOwnCreation} OR ${sql.hasRow('NEW."id"')})`,
      sql.keepTarget(conflicts, 'NEW."id"'),
    ),
    trigger('after_insert', 'AFTER INSERT', `NEW."id" IS NOT NULL AND NOT ${sql.isOwnCreation}`, [
      // There is nothing kept when a default gave the row another id than the one seen before.
      sql.keepAbsence('1'),
      sql.raiseVersion,
      ...sql.settle('NEW."id"'),
      ...sql.forget('NEW."id"'),
      sql.forgetMark('1'),
    ]),
    trigger('before_update', 'BEFORE UPDATE', `NOT ${sql.isOwn('updated')}`, sql.keepRow),
    trigger(
      'before_key_update',
      `BEFORE UPDATE OF ${keyColumns.join(', ')}`,
      `NEW."id" IS NOT NULL AND (${MOVES} OR ${sql.hasSome(conflictsWithOthers)})`,
      // For the row as it was: it may be the replaced row's child, and go with it instead of coming after it.
      sql.keepTarget(conflictsWithOthers, 'OLD."id"'),
    ),
    trigger(
      'after_update',
      'AFTER UPDATE',
      `NOT ${sql.isOwn('updated')} AND ${sql.isKept('NEW."id", OLD."id"')}`,
      [
        sql.raiseVersion,
        ...sql.settle('NEW."id", OLD."id"'),
        sql.markCreation,
        ...sql.forget('NEW."id", OLD."id"'),
        sql.forgetMark(MOVES),
      ],
    ),
    trigger('before_delete', 'BEFORE DELETE', `NOT ${sql.isOwn('deleted')}`, sql.keepRow),
    trigger('after_delete', 'AFTER DELETE', `NOT ${sql.isOwn('deleted')} AND ${sql.isKept('OLD."id"')}`, [
      ...sql.settle('OLD."id"'),
      ...sql.forgetUnlessReplaced,
    ]),
  ]
}

/** Ids are the same if they are so letter for letter, whatever the column is declared as. */
const BYTES = 'COLLATE BINARY'
const ID: KeyColumn = { name: 'id', collation: 'BINARY' }
const MOVES = `NEW."id" IS NOT OLD."id" ${BYTES}`

/** A column declared with another collation than BINARY may find more rows than it has to: they are kept, and stay. */
function conflictSql(key: UniqueKey): string {
  const sameSql = ({ name, collation }: KeyColumn): string =>
    `"${name}" = NEW."${name}"${collation === 'BINARY' ? '' : ` COLLATE "${collation}"`}`
  return key.map(sameSql).join(' AND ')
}

/** The first finds the row by the table's own index, and the second holds it to the very letters. */
function isIdSql(column: string, id: string): string {
  return `${column} = ${id} AND ${column} = ${id} ${BYTES}`
}

/** The row of a view of images that a row of dnr_row_writes is about. */
const IS_ROW = isIdSql('v.id', 'dnr_row_writes.row_id')

/** Milliseconds since the Unix epoch, with functions that every SQLite has. */
const NOW = "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)"

/** What sqlite_sequence says of dnr_captured_statements: all that statements which are over have counted. */
const COUNTED = "(SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'dnr_captured_statements')"

/**
 * Notes where the entries of the statement that runs begin, as number 0. The counting row comes after all that this
 * statement has counted, and so is the next after `COUNTED` once in each.
 */
const NOTE_STATEMENT = [
  'DELETE FROM dnr_captured_statements WHERE number > 0',
  `INSERT INTO dnr_captured_statements (first_offset) VALUES (${HEAD_SQL} + 1)`,
  // An upsert is not overridden by the OR of the statement that fired the trigger.
  `INSERT INTO dnr_captured_statements (number, first_offset) VALUES (0, ${HEAD_SQL} + 1)
      ON CONFLICT (number) DO UPDATE SET first_offset = excluded.first_offset
      WHERE EXISTS (SELECT 1 FROM dnr_captured_statements AS counting WHERE counting.number = ${COUNTED} + 1)`,
]

const TRANSACTION = '(SELECT first_offset FROM dnr_captured_statements WHERE number = 0)'

/**
 * The statements and conditions that the triggers of one table are put together from.
 *
 * None has an OR IGNORE or OR REPLACE of its own: SQLite would replace it by that of the statement which fired the trigger.
 */
function createParts(model: RowModel) {
  const table = `"${model.table}"`
  const entity = `'${model.entity.name}'`
  const view = `dnr_images_${model.table}`
  const writeOf = (id: string): string => `entity = ${entity} AND row_id = ${id}`
  const kept = (ids: string): string =>
    `entity = ${entity} AND kept = 1 AND (row_id IN (${ids}) OR for_id IN (${ids}))`
  const hasRow = (id: string): string => `EXISTS (SELECT 1 FROM ${table} WHERE ${isIdSql('"id"', id)})`
  /** Is there a row for one of dnr_row_writes? With the table's name: the user's may have a column that is called so, too. */
  const isThere = hasRow('dnr_row_writes.row_id')
  const hasWrite = (id: string): string => `EXISTS (SELECT 1 FROM dnr_row_writes WHERE ${writeOf(id)})`
  const rows = (conditions: readonly string[]): string =>
    conditions.map((condition) => `SELECT "id" FROM ${table} WHERE ${condition}`).join(' UNION ')

  /** Keeps rows as they are now, each once. A row that is being made stays marked so. */
  const keep = (ids: string, forId: string, mark: string): string[] => [
    `INSERT INTO dnr_row_writes (entity, row_id, version, kept)
      SELECT ${entity}, "id", 0, 0 FROM ${table} WHERE "id" IN (${ids}) AND NOT ${hasWrite(`${table}."id"`)}`,
    `UPDATE dnr_row_writes
      SET kept = 1, for_id = ${forId}, mark = CASE WHEN ${mark} IN ('created', 'inserting') THEN ${mark} END,
        (version, image) = (SELECT v.version, v.image FROM "${view}" v WHERE ${IS_ROW})
      WHERE entity = ${entity} AND row_id IN (${ids}) AND kept = 0`,
  ]
  /** One that is kept already has to go with this statement's row, too: what it was kept for may not have come to pass. */
  const keepFor = (ids: string, forId: string): string =>
    `UPDATE dnr_row_writes SET for_id = ${forId}, mark = CASE WHEN row_id = NEW."id" THEN 'inserting' ELSE mark END
      WHERE entity = ${entity} AND row_id IN (${ids}) AND kept = 1`
  const keepAbsence = (condition: string): string =>
    `INSERT INTO dnr_row_writes (entity, row_id, for_id, mark, version, kept)
      SELECT ${entity}, NEW."id", NEW."id", 'inserting', coalesce((SELECT version FROM dnr_tombstones WHERE ${writeOf('NEW."id"')}), 0), 1
      WHERE ${condition} AND NOT ${hasWrite('NEW."id"')}`
  /** Has the row been written since it was kept? Under recursive_triggers raising its version has settled it already. */
  const isAhead = `version <> (SELECT v.version FROM "${view}" v WHERE ${IS_ROW})`
  const nextVersion = `(SELECT version + 1 FROM dnr_row_writes WHERE ${writeOf('NEW."id"')} AND kept = 1)`

  return {
    view,
    createView: `CREATE VIEW "${view}" AS SELECT "id" AS id, ${VERSION_SQL} AS version,\n ${imageSql(model)} AS image\nFROM ${table}`,
    hasRow,
    hasSome: (conditions: readonly string[]) => `EXISTS (${rows(conditions)})`,
    /** Has the log this row's creation already? */
    isOwnCreation: `EXISTS (SELECT 1 FROM dnr_row_writes WHERE ${writeOf('NEW."id"')} AND mark = 'created')`,
    /** Has the log what is about to happen, or has just happened, to the row? */
    isOwn: (operation: string) =>
      `EXISTS (SELECT 1 FROM dnr_row_writes WHERE ${writeOf('OLD."id"')} AND mark = '${operation}' AND kept = 0 AND version > coalesce(CAST(OLD."version" AS INTEGER), 0))`,
    isKept: (ids: string) => `EXISTS (SELECT 1 FROM dnr_row_writes WHERE ${kept(ids)})`,
    keepRow: keep('OLD."id"', 'OLD."id"', 'mark'),
    keepAbsence,
    /** Keeps the rows that a REPLACE would remove; and that there is no row of the new id, when there is none. */
    keepTarget: (conditions: readonly string[], forId: string) => [
      keepFor(rows(conditions), forId),
      ...keep(rows(conditions), forId, `(CASE WHEN row_id = NEW."id" THEN 'inserting' ELSE mark END)`),
      `DELETE FROM dnr_row_writes WHERE ${writeOf('NEW."id"')} AND kept = 0 AND mark IN ('updated', 'deleted') AND NOT ${hasRow('NEW."id"')}`,
      keepAbsence(`NOT ${hasRow('NEW."id"')}`),
    ],
    raiseVersion: `UPDATE ${table} SET "version" = ${nextVersion}
      WHERE "id" = NEW."id" AND "version" IS NOT ${nextVersion} AND ${nextVersion} IS NOT NULL`,
    /** Of the rows kept for others, only those that are gone count: a conflict need not end in a REPLACE. */
    settle: (ids: string) => [
      ...NOTE_STATEMENT,
      `INSERT INTO dnr_change_log ("offset", transaction_offset, entity, row_id, operation, version, "before", "after", at)
      SELECT ${HEAD_SQL} + row_number() OVER (ORDER BY ${isThere}, row_id), ${TRANSACTION}, entity, row_id,
        CASE WHEN NOT ${isThere} THEN 'deleted' WHEN image IS NULL THEN 'created' ELSE 'updated' END,
        version + 1, image, (SELECT v.image FROM "${view}" v WHERE ${IS_ROW}), ${NOW}
      FROM dnr_row_writes
      WHERE ${kept(ids)} AND CASE WHEN ${isThere} THEN row_id IN (${ids}) AND (image IS NULL OR ${isAhead}) ELSE image IS NOT NULL END
      ORDER BY ${isThere}, row_id`,
      `DELETE FROM dnr_tombstones
      WHERE entity = ${entity} AND row_id IN (SELECT row_id FROM dnr_row_writes WHERE ${kept(ids)} AND (image IS NOT NULL OR ${isThere}))`,
      `INSERT INTO dnr_tombstones (entity, row_id, version, "offset")
      SELECT entity, row_id, version + 1, ${HEAD_SQL}
      FROM dnr_row_writes WHERE ${kept(ids)} AND image IS NOT NULL AND NOT ${isThere}`,
    ],
    /**
     * A row that another trigger changed while it was being made is in the log when its own turn comes. One that is kept
     * for another row stays kept: that other may yet replace it.
     */
    markCreation: `UPDATE dnr_row_writes SET kept = 0, mark = 'created', for_id = NULL
      WHERE ${writeOf('NEW."id"')} AND kept = 1 AND for_id = NEW."id" AND mark IN ('created', 'inserting')`,
    /** A row that was kept for another and is still there stays kept, as it is now: a statement around this one may yet remove it. */
    forget: (ids: string) => [
      `DELETE FROM dnr_row_writes WHERE ${kept(ids)} AND (for_id IN (${ids}) AND row_id IN (${ids}) OR NOT ${isThere})`,
      `UPDATE dnr_row_writes SET mark = NULL, (version, image) = (SELECT v.version, v.image FROM "${view}" v WHERE ${IS_ROW})
      WHERE ${kept(ids)} AND row_id IN (${ids})`,
    ],
    forgetMark: (condition: string) =>
      `DELETE FROM dnr_row_writes WHERE ${writeOf('NEW."id"')} AND ${condition}`,
    /**
     * Under recursive_triggers a REPLACE deletes the row first: its INSERT then goes on from there being none. Others that
     * were kept for the row and are still there stay kept: they may have been so before, and be what is written now.
     */
    forgetUnlessReplaced: [
      `DELETE FROM dnr_row_writes WHERE ${kept('OLD."id"')} AND ((mark IS NULL AND row_id = OLD."id") OR (row_id <> OLD."id" AND NOT ${isThere}))`,
      `UPDATE dnr_row_writes SET mark = 'inserting', version = version + 1, image = NULL WHERE ${writeOf('OLD."id"')} AND image IS NOT NULL`,
    ],
  }
}
