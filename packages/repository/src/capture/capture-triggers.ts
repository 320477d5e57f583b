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
import type { KeyColumn, TableKeys, UniqueKey } from './table-keys.ts'

/** A view or a trigger that belongs to a captured table. */
export interface CaptureObject {
  readonly type: 'view' | 'trigger'
  readonly name: string
  /** How it is made; what sqlite_schema gives back. */
  readonly sql: string
}

/** How many triggers a captured table has. */
export const TRIGGERS_OF_A_TABLE = 7

/** What captures a table, in the order in which it is made. */
export function captureObjects(model: RowModel, keys: TableKeys): CaptureObject[] {
  const sql = createParts(model)
  const newId = newValueSql(keys.id)
  const moves = `${newId} IS NOT OLD."id" ${BYTES}`
  const allKeys = [{ columns: [keys.id], where: null }, ...keys.others]
  const conflicts = allKeys.map(conflictSql)
  const conflictsWithOthers = conflicts.map((condition) => `${condition} AND "id" IS NOT OLD."id" ${BYTES}`)

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
      `NOT ${sql.isOwnCreation('kept = 0')} OR ${sql.hasRow(newId)}`,
      [
        sql.refuseBlob('true'),
        sql.markInsert(newId),
        ...sql.keepTarget(conflicts, newId, `coalesce(${newId}, ${NO_ID})`),
      ],
    ),
    trigger(
      'after_insert',
      'AFTER INSERT',
      `NOT ${sql.isOwnCreation('true')} AND (NEW."id" IS NOT NULL OR ${sql.isKept(NO_ID)})`,
      [
        // There is nothing kept when a default gave the row another id than the one seen before.
        sql.keepAbsence('NEW."id"', 'true'),
        ...sql.raiseVersion,
        ...sql.settle(INSERTED),
        sql.markOuterCreation,
        ...sql.forget(INSERTED),
        sql.forgetMark("mark IS NOT 'created'"),
      ],
    ),
    trigger('before_update', 'BEFORE UPDATE', `NOT ${sql.isOwn('updated')}`, sql.keepRow),
    trigger(
      // Without OF: that would name neither a generated column, nor the row id by its other names, nor what a partial key asks.
      'before_key_update',
      'BEFORE UPDATE',
      `(${changesSql(allKeys)}) AND (${moves} OR ${sql.hasSome(conflictsWithOthers)})`,
      // For the row as it was: it may be the replaced row's child, and go with it instead of coming after it.
      [sql.refuseBlob(moves), ...sql.keepTarget(conflictsWithOthers, newId, OLD_ID)],
    ),
    trigger('after_update', 'AFTER UPDATE', `NOT ${sql.isOwn('updated')} AND ${sql.isKept(UPDATED)}`, [
      ...sql.raiseVersion,
      ...sql.settle(UPDATED),
      sql.markCreation,
      ...sql.forget(UPDATED),
      sql.forgetMark(`NEW."id" IS NOT OLD."id" ${BYTES}`),
    ]),
    trigger('before_delete', 'BEFORE DELETE', `NOT ${sql.isOwn('deleted')}`, sql.keepRow),
    trigger('after_delete', 'AFTER DELETE', `NOT ${sql.isOwn('deleted')} AND ${sql.isKept('OLD."id"')}`, [
      ...sql.settle('OLD."id"'),
      ...sql.forgetUnlessReplaced,
    ]),
  ]
}

/** Ids are the same if they are so letter for letter, whatever the column is declared as. */
const BYTES = 'COLLATE BINARY'

/** What rows are kept for that one without an id replaces, or one whose id is a BLOB: it is not logged itself. */
const NO_ID = 'char(0)'
const OLD_ID = `CASE typeof(OLD."id") WHEN 'text' THEN OLD."id" ELSE ${NO_ID} END`
const INSERTED = `coalesce(NEW."id", ${NO_ID})`
const UPDATED = `NEW."id", ${OLD_ID}`

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function newValueSql({ name, fallback }: KeyColumn): string {
  return fallback === null ? `NEW.${quote(name)}` : `coalesce(NEW.${quote(name)}, (${fallback}))`
}

/** A column declared with another collation than BINARY may find more rows than it has to: they are kept, and stay. */
function conflictSql({ columns, where }: UniqueKey): string {
  const sameSql = (column: KeyColumn): string =>
    `${quote(column.name)} = ${newValueSql(column)}${column.collation === 'BINARY' ? '' : ` COLLATE ${quote(column.collation)}`}`
  // A comment may end what the index says.
  return [...columns.map(sameSql), ...(where === null ? [] : [`(${where}\n)`])].join(' AND ')
}

/** Does an update change what another row could have, too? One that does not is most of them, and cheap to tell. */
function changesSql(keys: readonly UniqueKey[]): string {
  if (keys.some(({ where }) => where !== null)) return 'true'
  const names = new Set(keys.flatMap(({ columns }) => columns.map(({ name }) => quote(name))))
  return [...names].map((name) => `NEW.${name} IS NOT OLD.${name} ${BYTES}`).join(' OR ')
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
      SELECT ${entity}, "id", 0, 0 FROM ${table} WHERE "id" IN (${ids}) AND typeof("id") = 'text' AND NOT ${hasWrite(`${table}."id"`)}`,
    `UPDATE dnr_row_writes
      SET kept = 1, for_id = ${forId}, mark = CASE WHEN ${mark} IN ('created', 'inserting', 'again') THEN ${mark} END,
        (version, image) = (SELECT v.version, v.image FROM "${view}" v WHERE ${IS_ROW})
      WHERE entity = ${entity} AND row_id IN (${ids}) AND kept = 0`,
  ]
  const markOf = (newId: string): string =>
    `(CASE WHEN row_id = ${newId} AND mark IS NOT 'again' THEN 'inserting' ELSE mark END)`
  /** One that is kept already has to go with this statement's row, too: what it was kept for may not have come to pass. */
  const keepFor = (ids: string, forId: string, newId: string): string =>
    `UPDATE dnr_row_writes SET for_id = ${forId}, mark = ${markOf(newId)}
      WHERE entity = ${entity} AND row_id IN (${ids}) AND kept = 1`
  const keepAbsence = (id: string, condition: string): string =>
    `INSERT INTO dnr_row_writes (entity, row_id, for_id, mark, version, kept)
      SELECT ${entity}, ${id}, ${id}, 'inserting', coalesce((SELECT version FROM dnr_tombstones WHERE ${writeOf(id)}), 0), 1
      WHERE ${id} IS NOT NULL AND ${condition} AND NOT ${hasWrite(id)}`
  /** Has the row been written since it was kept? Under recursive_triggers raising its version has settled it already. */
  const isAhead = `version <> (SELECT v.version FROM "${view}" v WHERE ${IS_ROW})`
  const nextVersion = `(SELECT version + 1 FROM dnr_row_writes WHERE ${writeOf('NEW."id"')} AND kept = 1)`
  const isToRise = `"id" = NEW."id" AND "version" IS NOT ${nextVersion} AND ${nextVersion} IS NOT NULL`

  return {
    view,
    createView: `CREATE VIEW "${view}" AS SELECT "id" AS id, ${VERSION_SQL} AS version,\n ${imageSql(model)} AS image\nFROM ${table}`,
    hasRow,
    hasSome: (conditions: readonly string[]) => `EXISTS (${rows(conditions)})`,
    /** Has the log this row's creation already? While the row is kept, it may have been replaced since. */
    isOwnCreation: (condition: string) =>
      `EXISTS (SELECT 1 FROM dnr_row_writes WHERE ${writeOf('NEW."id"')} AND mark = 'created' AND ${condition})`,
    /** Has the log what is about to happen, or has just happened, to the row? */
    isOwn: (operation: string) =>
      `EXISTS (SELECT 1 FROM dnr_row_writes WHERE ${writeOf('OLD."id"')} AND mark = '${operation}' AND kept = 0 AND version > coalesce(CAST(OLD."version" AS INTEGER), 0))`,
    isKept: (ids: string) => `EXISTS (SELECT 1 FROM dnr_row_writes WHERE ${kept(ids)})`,
    keepRow: keep('OLD."id"', 'OLD."id"', 'mark'),
    keepAbsence,
    /** Of a row that is kept already: a trigger of the user's may insert it again that was fired for its INSERT, or its DELETE. */
    markInsert: (newId: string) =>
      `UPDATE dnr_row_writes SET mark = CASE WHEN mark IS NULL THEN 'inserting' ELSE 'again' END
      WHERE ${writeOf(newId)} AND (mark IS NULL OR mark IN ('created', 'inserting'))`,
    /** Then the log has the row when the turn of its first INSERT comes. */
    markOuterCreation: `UPDATE dnr_row_writes SET kept = 0, mark = 'created', for_id = NULL WHERE ${writeOf('NEW."id"')} AND mark = 'again'`,
    refuseBlob: (condition: string) =>
      `SELECT RAISE(ABORT, '${model.table}.id is to be text, for captureTable to log the row, and not a BLOB') WHERE typeof(NEW."id") = 'blob' AND ${condition}`,
    /** Keeps the rows that a REPLACE would remove; and that there is no row of the new id, when there is none. */
    keepTarget: (conditions: readonly string[], newId: string, forId: string) => [
      keepFor(rows(conditions), forId, newId),
      ...keep(rows(conditions), forId, markOf(newId)),
      `DELETE FROM dnr_row_writes WHERE ${writeOf(newId)} AND kept = 0 AND mark IN ('updated', 'deleted') AND NOT ${hasRow(newId)}`,
      keepAbsence(newId, `NOT ${hasRow(newId)}`),
    ],
    /** Where a trigger of the user's ignores it, the write could not be told from one that left the row alone. */
    raiseVersion: [
      `UPDATE ${table} SET "version" = ${nextVersion} WHERE ${isToRise}`,
      `SELECT RAISE(ABORT, '${model.table}: a trigger ignored that the row rises in version, without which captureTable cannot log it')
      WHERE changes() = 0 AND EXISTS (SELECT 1 FROM ${table} WHERE ${isToRise})`,
    ],
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
      WHERE ${writeOf('NEW."id"')} AND kept = 1 AND for_id = NEW."id" AND mark IN ('created', 'inserting', 'again')`,
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
      `UPDATE dnr_row_writes SET mark = CASE mark WHEN 'again' THEN mark ELSE 'inserting' END, version = version + 1, image = NULL WHERE ${writeOf('OLD."id"')} AND image IS NOT NULL`,
    ],
  }
}
