import { DnrError, type FieldKind, type FieldSchema, fromWireValue } from '@dnr/protocol'

/** What SQLite holds in a column of ours. */
export type StoredValue = string | number | null

/** A field of an entity as a column. */
export interface Field {
  readonly name: string
  readonly kind: FieldKind
  readonly schema: FieldSchema
  /** May the field be `null`? If not, an empty column is an absent field. */
  readonly isNullable: boolean
  /** Does its column hold whole numbers of 64 bits alone? Only `migrate` has seen the table, and says so here. */
  isInt64: boolean
}

/** Takes a zod field as a column. */
export function createField(name: string, kind: FieldKind, schema: FieldSchema): Field {
  return { name, kind, schema, isNullable: acceptsNull(schema), isInt64: false }
}

function acceptsNull(schema: FieldSchema): boolean {
  try {
    const result = schema.safeParse(null)
    return result.success && result.data === null
  } catch {
    return false
  }
}

/**
 * What a validated value is stored as: booleans 0 and 1, dates ISO text, bigints decimal text, everything else that is
 * no scalar JSON text.
 *
 * @throws DnrError `bad_field` for what SQLite cannot give back unchanged.
 */
export function storeValue(field: Field, value: unknown): StoredValue {
  if (value === null || value === undefined) return null
  switch (field.kind) {
    case 'string':
      return wellFormed(field, value as string)
    case 'number':
      // SQLite has no -0.
      return (value as number) + 0
    case 'boolean':
      return value === true ? 1 : 0
    case 'date':
      return (value as Date).toISOString()
    case 'bigint':
      return storeBigint(field, value as bigint)
    case 'json':
      return storeJson(field, value)
  }
}

function wellFormed(field: Field, text: string): string {
  if (text.isWellFormed()) return text
  throw fieldError(field.name, 'holds half of a surrogate pair, which no database keeps as it is')
}

function storeBigint(field: Field, value: bigint): string {
  // SQLite would store a rounded number.
  if (field.isInt64 && BigInt.asIntN(64, value) !== value)
    throw fieldError(field.name, 'does not fit into 64 bits, which is all that its column holds')
  return value.toString()
}

function storeJson(field: Field, value: unknown): string | null {
  let text: string | undefined
  try {
    text = JSON.stringify(value) as string | undefined
  } catch (cause) {
    throw fieldError(field.name, 'cannot be written as JSON', cause)
  }
  if (text === undefined || text === 'null') return null
  // Each level has a bracket at either end: most texts are too short to be looked into.
  if (text.length > 2 * MAX_JSON_DEPTH && !nestsWithin(value, MAX_JSON_DEPTH))
    throw fieldError(field.name, `nests deeper than ${MAX_JSON_DEPTH} levels`)
  return text
}

/** SQLite's JSON functions take no more; the triggers of a captured table would log such a value as text. */
const MAX_JSON_DEPTH = 1_000

function nestsWithin(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return levels > 0 && Object.values(value).every((part) => nestsWithin(part, levels - 1))
}

/**
 * The value in its JSON form, as the log and the wire have it; `undefined` when absent.
 *
 * Another program may have stored what the schema does not allow. Reading it never throws: what has no JSON form counts
 * as empty, text that should be JSON and is not stays text. capture/image-sql.ts does the same in SQL.
 */
export function toWireValue(field: Field, stored: unknown): unknown {
  if (stored === null || stored === undefined || ArrayBuffer.isView(stored))
    return field.isNullable ? null : undefined
  switch (field.kind) {
    case 'boolean':
      return stored === 1
    case 'bigint':
      return (stored as string | number | bigint).toString()
    case 'json':
      return typeof stored === 'string' ? parseJson(stored) : stored
    default:
      return stored
  }
}

/** The value as the entity's type has it; `undefined` when absent. */
export function toTypedValue(field: Field, stored: unknown): unknown {
  const value = toWireValue(field, stored)
  return value === null || value === undefined ? value : fromWireValue(value, field.kind)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Writers that come over the wire give dates and bigints as text. */
export function fromWireInput(field: Field, value: unknown): unknown {
  if (typeof value !== 'string') return value
  if (field.kind === 'date' && ISO_DATE.test(value)) return new Date(value)
  if (field.kind === 'bigint' && /^-?\d{1,100}$/.test(value)) return BigInt(value)
  return value
}

const ISO_DATE = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/

/** `bad_field`, naming the field in message and details. */
export function fieldError(field: string, message: string, cause?: unknown): DnrError {
  return fieldErrors([{ path: [field], message }], cause)
}

/** `bad_field` with every complaint in its details. */
export function fieldErrors(
  errors: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
  cause?: unknown,
): DnrError {
  const listed = errors.slice(0, 20).map(({ path, message }) => ({ path: path.map(String), message }))
  const text = listed.map(({ path, message }) => `${path.join('.') || 'row'}: ${message}`).join('; ')
  return new DnrError('bad_field', text, { details: { errors: listed }, cause })
}
