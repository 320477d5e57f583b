// Checked conditions → SQL that gives exactly the answer of protocol's `matchesWhere`.
import { type FieldKind, type Scalar } from '@dnr/protocol'
import { type RawBuilder, sql, type SqlBool } from 'kysely'
import type { Field } from '../rows/field-value.ts'
import { column } from '../rows/row-statements.ts'
import type { Condition } from './read-query.ts'

/** A condition in SQL. */
export type Sql = RawBuilder<SqlBool>

const TRUE: Sql = sql<SqlBool>`1`
const FALSE: Sql = sql<SqlBool>`0`

/**
 * One comparison.
 *
 * A value of another type than the field's is never equal and never ordered, which SQLite would see otherwise
 * (booleans are stored as numbers), so it is decided here.
 */
export function conditionSql(condition: Condition): Sql {
  const { field } = condition
  switch (condition.operator) {
    case 'eq':
      return equals(field, condition.value)
    case 'ne':
      return condition.value === null ? sql`${column(field)} is not null` : not(field, condition.value)
    case 'in':
      return isIn(field, condition.values)
    default:
      return ordered(field, condition.operator, condition.value)
  }
}

function equals(field: Field, value: Scalar): Sql {
  if (value === null) return sql`${column(field)} is null`
  return comparable(field, value) ? sql`${column(field)} = ${bound(field, value)}` : FALSE
}

function not(field: Field, value: Scalar): Sql {
  return comparable(field, value) ? sql`${column(field)} is not ${bound(field, value)}` : TRUE
}

function isIn(field: Field, values: readonly Scalar[]): Sql {
  const bounds = values
    .filter((value) => value !== null && comparable(field, value))
    .map((value) => bound(field, value))
  const listed = bounds.length === 0 ? FALSE : sql<SqlBool>`${column(field)} in (${sql.join(bounds)})`
  return values.includes(null) ? sql`(${listed} or ${column(field)} is null)` : listed
}

const SIGNS = { lt: sql`<`, lte: sql`<=`, gt: sql`>`, gte: sql`>=` } as const

function ordered(field: Field, operator: keyof typeof SIGNS, value: Scalar): Sql {
  if (value === null || !comparable(field, value)) return FALSE
  if (field.kind === 'json')
    return sql`${jsonScalar(field, value)} ${SIGNS[operator]} ${typeof value === 'boolean' ? Number(value) : value}`
  const order = sql<SqlBool>`${column(field)} ${SIGNS[operator]} ${bound(field, value)}`
  // Text that another program left in a column of numbers would stand above all of them.
  return field.kind === 'number' ? sql`(${order} and typeof(${column(field)}) <> 'text')` : order
}

const SCALAR_OF: Readonly<Record<Exclude<FieldKind, 'json'>, 'string' | 'number' | 'boolean'>> = {
  string: 'string',
  date: 'string',
  bigint: 'string',
  number: 'number',
  boolean: 'boolean',
}

function comparable(field: Field, value: Scalar): boolean {
  return field.kind === 'json' || typeof value === SCALAR_OF[field.kind]
}

// Scalars in a JSON column are stored as JSON text, of which each has one.
function bound(field: Field, value: Scalar): string | number | null {
  if (field.kind === 'json') return JSON.stringify(value)
  return typeof value === 'boolean' ? Number(value) : value
}

/** The value in a JSON column if it is a scalar of the same type, else null. */
function jsonScalar(field: Field, value: string | number | boolean): RawBuilder<unknown> {
  const types = { string: sql`('text')`, number: sql`('integer', 'real')`, boolean: sql`('true', 'false')` }
  const name = sql.ref(field.name)
  return sql`case when json_valid(${name}) then case when json_type(${name}) in ${types[typeof value as keyof typeof types]} then json_extract(${name}, '$') end end`
}
