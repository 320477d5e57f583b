import type { FieldKind } from '../field-kind.ts'
import { type Parsed, err, ok } from '../parsed.ts'

/** What a field can be compared with. */
export type Scalar = string | number | boolean | null

/** Comparisons of one field; all of them must hold. `in` takes up to 100 values. */
export interface Comparison<Value = Scalar> {
  readonly eq?: Value
  readonly ne?: Value
  readonly lt?: Value
  readonly lte?: Value
  readonly gt?: Value
  readonly gte?: Value
  readonly in?: readonly Value[]
}

type Comparable<Value> = Extract<Value, Scalar>

/** Which rows: fields and what they must be; a bare value means `eq`. Fields are checked by the compiler. */
export type Where<Row> = {
  readonly [Field in keyof Row]?: Comparable<Row[Field]> | Comparison<Comparable<Row[Field]>>
}

/** Order of a list, most significant first. The id always breaks ties, so every order is total. */
export type OrderBy<Row> = readonly (readonly [field: keyof Row & string, direction: 'asc' | 'desc'])[]

/** A condition without its row type: what travels. */
export type AnyWhere = Readonly<Record<string, Scalar | Comparison>>
/** An order without its row type: what travels. */
export type AnyOrderBy = readonly (readonly [field: string, direction: 'asc' | 'desc'])[]

/**
 * Does `row` satisfy `where`? The same answer as SQLite gives for the same condition, with one deliberate difference
 * that the repository shares: `null` equals `null`, and `ne` holds for `null`.
 *
 * Values of different types are never equal and never ordered; `null` is not ordered.
 */
export function matchesWhere(row: Readonly<Record<string, unknown>>, where: AnyWhere): boolean {
  for (const field of Object.keys(where)) {
    if (!matchesField(row[field] ?? null, where[field] as Scalar | Comparison)) return false
  }
  return true
}

function matchesField(value: unknown, condition: Scalar | Comparison): boolean {
  if (condition === null || typeof condition !== 'object') return value === condition
  const { eq, ne, lt, lte, gt, gte } = condition
  return (
    (eq === undefined || value === eq) &&
    (ne === undefined || value !== ne) &&
    (condition.in === undefined || condition.in.includes(value as Scalar)) &&
    (lt === undefined || orderOf(value, lt) < 0) &&
    (lte === undefined || orderOf(value, lte) <= 0) &&
    (gt === undefined || orderOf(value, gt) > 0) &&
    (gte === undefined || orderOf(value, gte) >= 0)
  )
}

/** As {@link compareScalars}; where there is no order, `NaN`, of which no comparison holds. */
function orderOf(value: unknown, bound: Scalar): number {
  return bound !== null && typeof value === typeof bound ? compareScalars(value as Scalar, bound) : NaN
}

/**
 * Order of two values: `null`, booleans, numbers, text, each by value; text by code point, as SQLite's BINARY collation
 * has it. A total order also over values of several types.
 */
export function compareScalars(a: Scalar, b: Scalar): number {
  if (a === b) return 0
  if (typeof a === 'string' && typeof b === 'string') return compareCodePoints(a, b)
  if (a === null || b === null || typeof a !== typeof b) return rankOf(a) - rankOf(b)
  return a < b ? -1 : a > b ? 1 : 0
}

function rankOf(value: Scalar): number {
  return ['boolean', 'number', 'string'].indexOf(typeof value) // -1 for null
}

function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index)
    const right = b.charCodeAt(index)
    if (left !== right) return heightOf(left) - heightOf(right)
  }
  return a.length - b.length
}

/** A surrogate stands for a code point above every other unit, though its own number is lower than U+E000 to U+FFFF. */
function heightOf(unit: number): number {
  return unit >> 11 === 0xd800 >> 11 ? unit + 0x2800 : unit
}

/** Compares rows by `orderBy`, then by id. */
export function compareRows(
  orderBy: AnyOrderBy,
): (a: { readonly id: string }, b: { readonly id: string }) => number {
  return (a, b) => {
    for (const [field, direction] of orderBy) {
      const order = compareScalars(scalarOf(a, field), scalarOf(b, field))
      if (order !== 0) return direction === 'asc' ? order : -order
    }
    return compareScalars(a.id, b.id)
  }
}

function scalarOf(row: object, field: string): Scalar {
  return (row as Record<string, Scalar | undefined>)[field] ?? null
}

/**
 * Checks that every field of `where` is one of `fields`, and that it is compared with values of its kind; the message
 * names the first that is not. A field without a kind, or of kind `json`, is compared with anything.
 */
export function checkWhere(
  where: AnyWhere,
  fields: ReadonlySet<string>,
  kinds: ReadonlyMap<string, FieldKind> = new Map(),
): Parsed<AnyWhere> {
  for (const field of Object.keys(where)) {
    if (!fields.has(field))
      return err(
        'bad_query',
        `where: there is no field "${field.slice(0, 64)}". Fields: ${[...fields].join(', ')}.`,
      )
    const kind = kinds.get(field) ?? 'json'
    const wrong = valuesOf(where[field] as Scalar | Comparison).find((value) => !isOfKind(value, kind))
    if (wrong !== undefined)
      return err(
        'bad_query',
        `where.${field}: expected ${KIND_WORDS[kind]}, not ${TYPE_WORDS[typeof wrong]}.`,
      )
  }
  return ok(where)
}

const KIND_WORDS: Readonly<Record<FieldKind, string>> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  date: 'a date as text',
  bigint: 'a whole number as text',
  json: 'any value',
}
const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
}

function valuesOf(condition: Scalar | Comparison): Scalar[] {
  if (condition === null || typeof condition !== 'object') return [condition]
  return Object.values(condition as Readonly<Record<string, Scalar | readonly Scalar[]>>).flat()
}

/** As rows carry it: dates and bigints are text. */
function isOfKind(value: Scalar | undefined, kind: FieldKind): boolean {
  if (value === null || value === undefined || kind === 'json') return true
  return typeof value === (kind === 'date' || kind === 'bigint' ? 'string' : kind)
}
