// Where a page ended, as text that a caller hands back: the sort keys of its last row. It holds nothing that the row did
// not show, and every value in it is bound, so it needs no signature.
import { Buffer } from 'node:buffer'
import type { Scalar } from '@dnr/protocol'
import { sql } from 'kysely'
import { column } from '../rows/row-statements.ts'
import type { StoredRow } from '../rows/row-model.ts'
import { badQuery, type SortKey } from './read-query.ts'
import type { Sql } from './where-sql.ts'

type Bound = string | number | null

/** The cursor after a row that was read with these keys. */
export function formatCursor(keys: readonly SortKey[], last: StoredRow): string {
  const values = keys.map(({ field }) => last[field.name] ?? null)
  return Buffer.from(JSON.stringify([shapeOf(keys), ...values])).toString('base64url')
}

/** The sort values in a cursor. @throws DnrError `bad_query` when it is none, or one of another order. */
export function parseCursor(keys: readonly SortKey[], cursor: string): Bound[] {
  const [shape, ...values] = decode(cursor)
  if (shape !== shapeOf(keys) || values.length !== keys.length || !values.every(isBound)) {
    throw badQuery(
      'after: this is not the `next` of a page in this order. Leave it out to start at the first page.',
    )
  }
  return values
}

function decode(cursor: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    return Array.isArray(value) ? (value as unknown[]) : []
  } catch {
    return []
  }
}

function isBound(value: unknown): value is Bound {
  return value === null || typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value))
}

function shapeOf(keys: readonly SortKey[]): string {
  return keys.map(({ field, direction }) => `${direction === 'asc' ? '+' : '-'}${field.name}`).join('')
}

/**
 * The rows after a cursor: (a after x) or (a = x and b after y) or …
 *
 * `null` comes before everything in ascending order, as SQLite and `compareScalars` have it.
 */
export function afterSql(keys: readonly SortKey[], values: readonly Scalar[]): Sql {
  const alternatives = keys.map((key, index) => {
    const equal = keys
      .slice(0, index)
      .map(({ field }, earlier) => sql<boolean>`${column(field)} is ${values[earlier] ?? null}`)
    return sql`(${sql.join([...equal, behind(key, values[index] ?? null)], sql` and `)})`
  })
  return sql`(${sql.join(alternatives, sql` or `)})`
}

function behind({ field, direction }: SortKey, value: Scalar): Sql {
  const name = column(field)
  if (direction === 'asc') return value === null ? sql`${name} is not null` : sql`${name} > ${value}`
  return value === null ? sql`0` : sql`(${name} < ${value} or ${name} is null)`
}
