// A query from outside → a query that may become SQL: every name one of the entity's, every value a scalar. Pure.
import {
  type AnyOrderBy,
  type AnyWhere,
  checkWhere,
  type Comparison,
  DnrError,
  type Scalar,
} from '@dnr/protocol'
import type { Field } from '../rows/field-value.ts'
import type { RowModel } from '../rows/row-model.ts'

/** What can be asked of one field. */
export type Operator = keyof Comparison

/** One comparison, checked. */
export type Condition =
  | { readonly field: Field; readonly operator: Exclude<Operator, 'in'>; readonly value: Scalar }
  | { readonly field: Field; readonly operator: 'in'; readonly values: readonly Scalar[] }

/** A field to sort by, checked. */
export interface SortKey {
  readonly field: Field
  readonly direction: 'asc' | 'desc'
}

const OPERATORS: ReadonlySet<string> = new Set<Operator>(['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'in'])
const MAX_LIST = 100
const MAX_FIELDS = 64
const MAX_SORT_KEYS = 8
const MAX_LIMIT = 500
const DEFAULT_LIMIT = 100

/** The comparisons of `where`, all of which must hold. @throws DnrError `bad_query` */
export function readWhere(model: RowModel, where: AnyWhere | undefined): Condition[] {
  if (where === undefined) return []
  if (typeof where !== 'object' || where === null || Array.isArray(where))
    throw badQuery('where: expected an object of fields.')
  const names = checkWhere(where, new Set(model.queryable.keys()))
  if (!names.ok) throw badQuery(names.message)
  if (Object.keys(where).length > MAX_FIELDS) throw badQuery(`where: more than ${MAX_FIELDS} fields.`)
  return Object.entries(where).flatMap(([name, condition]) => {
    const field = model.queryable.get(name)
    return field === undefined || condition === undefined ? [] : readConditions(field, condition)
  })
}

function readConditions(field: Field, condition: Scalar | Comparison): Condition[] {
  if (typeof condition !== 'object' || condition === null)
    return [{ field, operator: 'eq', value: readScalar(field, condition) }]
  return Object.entries(condition as Readonly<Record<string, unknown>>).flatMap(
    ([operator, value]): Condition[] => {
      if (!OPERATORS.has(operator)) {
        throw badQuery(
          `where.${field.name}: there is no operator "${operator.slice(0, 32)}". Operators: ${[...OPERATORS].join(', ')}.`,
        )
      }
      if (value === undefined) return []
      if (operator === 'in') return [{ field, operator, values: readList(field, value) }]
      return [{ field, operator: operator as Exclude<Operator, 'in'>, value: readScalar(field, value) }]
    },
  )
}

function readList(field: Field, values: unknown): Scalar[] {
  if (!Array.isArray(values) || values.length > MAX_LIST)
    throw badQuery(`where.${field.name}.in: expected a list of up to ${MAX_LIST} values.`)
  return values.map((value) => readScalar(field, value))
}

function readScalar(field: Field, value: unknown): Scalar {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'string' && value.isWellFormed()) return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw badQuery(`where.${field.name}: expected text, a finite number, true, false or null.`)
}

/** The sort keys, with the id last so that the order is total. @throws DnrError `bad_query` */
export function readOrderBy(model: RowModel, orderBy: AnyOrderBy | undefined): SortKey[] {
  const given = orderBy ?? []
  if (!Array.isArray(given) || given.length > MAX_SORT_KEYS)
    throw badQuery(`orderBy: expected up to ${MAX_SORT_KEYS} pairs of field and direction.`)
  const keys = (given as readonly unknown[]).map((pair) => readSortKey(model, pair))
  const id = keys.findIndex(({ field }) => field.name === 'id')
  // Nothing can differ after the id.
  return id === -1 ? [...keys, idKey(model)] : keys.slice(0, id + 1)
}

function readSortKey(model: RowModel, pair: unknown): SortKey {
  const [name, direction, ...rest] = Array.isArray(pair) ? (pair as unknown[]) : []
  const field = typeof name === 'string' ? model.queryable.get(name) : undefined
  if (field === undefined)
    throw badQuery(
      `orderBy: there is no field ${JSON.stringify(name)?.slice(0, 64)}. Fields: ${[...model.queryable.keys()].join(', ')}.`,
    )
  if ((direction !== 'asc' && direction !== 'desc') || rest.length > 0)
    throw badQuery(`orderBy.${field.name}: the direction is "asc" or "desc".`)
  if (field.kind === 'json')
    throw badQuery(`orderBy.${field.name}: only text, numbers, booleans and dates have an order.`)
  return { field, direction }
}

function idKey(model: RowModel): SortKey {
  return { field: model.fields.get('id') as Field, direction: 'asc' }
}

/** How many rows a page has. @throws DnrError `bad_query` */
export function readLimit(limit: number | undefined): number {
  if (limit === undefined) return DEFAULT_LIMIT
  if (Number.isSafeInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit
  throw badQuery(`limit: expected a whole number from 1 to ${MAX_LIMIT}.`)
}

/** The refusal of a query. */
export function badQuery(message: string): DnrError {
  return new DnrError('bad_query', message)
}
