// Checked queries, run on a connection. Holds how rows are paged; how the connection was got is the caller's.
import {
  type AnyEntity,
  type AnyWhere,
  type OrderBy,
  type Position,
  type RowOf,
  type Where,
} from '@dnr/protocol'
import { sql } from 'kysely'
import { readHeadPosition } from '../change-log/epochs.ts'
import type { Connection } from '../database/connection.ts'
import type { RowModel, StoredRow } from '../rows/row-model.ts'
import { column, selectRows } from '../rows/row-statements.ts'
import { afterSql, formatCursor, parseCursor } from './page-cursor.ts'
import { type Condition, readLimit, readOrderBy, readWhere, type SortKey } from './read-query.ts'
import { conditionSql, type Sql } from './where-sql.ts'

/** Which rows, in which order, and which page of them. */
export interface FindQuery<Row> {
  /** Conditions that must all hold. @default all rows */
  readonly where?: Where<Row>
  /** Most significant first; the id always breaks ties. @default by id */
  readonly orderBy?: OrderBy<Row>
  /** Rows of a page, 1–500. @default 100 */
  readonly limit?: number
  /** `next` of the page before, asked with the same `orderBy`. */
  readonly after?: string
}

/** One page of rows. */
export interface Page<Row> {
  readonly rows: readonly Row[]
  /** Hand it back as `after`; `null` on the last page. */
  readonly next: string | null
  /** The place in the log at which the rows were read. */
  readonly position: Position
}

/** A query whose names and values are in order; knows how to run itself. */
export interface PreparedFind<E extends AnyEntity> {
  run(connection: Connection): Page<RowOf<E>>
}

/** Checks a query. @throws DnrError `bad_query` */
export function prepareFind<E extends AnyEntity>(
  model: RowModel<E>,
  query: FindQuery<RowOf<E>>,
): PreparedFind<E> {
  const conditions = readWhere(model, query.where as AnyWhere | undefined).map(conditionSql)
  const keys = readOrderBy(model, query.orderBy)
  const limit = readLimit(query.limit)
  if (query.after !== undefined) conditions.push(afterSql(keys, parseCursor(keys, query.after)))
  const { sql: text, parameters } = select(model, conditions, keys, limit + 1)
  return {
    run(connection) {
      const position = readHeadPosition(connection)
      const stored = connection.query(text, parameters) as StoredRow[]
      const page = stored.slice(0, limit)
      const last = page.at(-1)
      const next = stored.length > limit && last !== undefined ? formatCursor(keys, last) : null
      return { rows: page.map((row) => model.toTyped(row)), next, position }
    },
  }
}

/** All rows that match, by id. */
export function readAll<E extends AnyEntity>(
  connection: Connection,
  model: RowModel<E>,
  where: readonly Condition[],
): RowOf<E>[] {
  const query = select(model, where.map(conditionSql), readOrderBy(model, undefined), null)
  return (connection.query(query.sql, query.parameters) as StoredRow[]).map((row) => model.toTyped(row))
}

/** Up to `limit` rows that match and whose id comes after `after`, by id. */
export function readAfterId(
  connection: Connection,
  model: RowModel,
  where: readonly Condition[],
  after: string | null,
  limit: number,
): StoredRow[] {
  const keys = readOrderBy(model, undefined)
  const conditions = where.map(conditionSql)
  if (after !== null) conditions.push(afterSql(keys, [after]))
  const query = select(model, conditions, keys, limit)
  return connection.query(query.sql, query.parameters) as StoredRow[]
}

function select(
  model: RowModel,
  conditions: readonly Sql[],
  keys: readonly SortKey[],
  limit: number | null,
): { sql: string; parameters: readonly unknown[] } {
  let query = selectRows(model)
  for (const condition of conditions) query = query.where(condition)
  for (const { field, direction } of keys) query = query.orderBy(sql`${column(field)}`, direction)
  return (limit === null ? query : query.limit(limit)).compile()
}
