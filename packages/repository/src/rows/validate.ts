// Input from outside → values that may be stored, or `bad_field` with every complaint. Pure.
import { type AnyEntity, DnrError, type FieldSchema, isRowId, type SchemaResult } from '@dnr/protocol'
import { fieldError, fieldErrors, fromWireInput } from './field-value.ts'
import { checkObject } from './object-checks.ts'
import type { Mutation } from './mutation.ts'
import type { RowModel } from './row-model.ts'

/** Fields by name, unchecked. */
export type Fields = Readonly<Record<string, unknown>>

/**
 * The fields that were given: every name one of the entity's, text turned into dates and bigints, `undefined` left out.
 *
 * @throws DnrError `bad_field` naming each field that the entity does not have.
 */
export function readFields(model: RowModel, given: Fields): Record<string, unknown> {
  const fields: Record<string, unknown> = { ...given }
  const unknown: string[] = []
  let isSparse = false
  for (const name of Object.keys(fields)) {
    const value = fields[name]
    const field = model.fields.get(name)
    if (field === undefined) unknown.push(name)
    else if (value === undefined) isSparse = true
    else {
      const read = fromWireInput(field, value)
      if (read !== value) fields[name] = read
    }
  }
  if (unknown.length === 0) return isSparse ? withoutUndefined(fields) : fields
  const names = [...model.fields.keys()].join(', ')
  throw fieldErrors(
    unknown.map((name) => ({
      path: [name.slice(0, 64)],
      message: `${model.entity.name} has no such field; it has ${names}`,
    })),
  )
}

function withoutUndefined(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

/** A whole new row: defaults applied, every field and the row as a whole checked. */
export function parseRow(model: RowModel, fields: Fields): Record<string, unknown> {
  return unwrap(
    model.entity,
    () => model.entity.schema.safeParse(fields) as SchemaResult<Record<string, unknown>>,
  )
}

/** Each given field checked alone; what is not given stays away, also if it has a default. */
export function parseFields(model: RowModel, fields: Fields): Record<string, unknown> {
  const parsed: Record<string, unknown> = {}
  const errors: { path: PropertyKey[]; message: string }[] = []
  for (const [name, value] of Object.entries(fields)) {
    const schema = model.fields.get(name)?.schema as FieldSchema
    const result = guard(model.entity, () => schema.safeParse(value))
    if (result.success) parsed[name] = result.data
    else
      errors.push(
        ...result.error.issues.map((issue) => ({ path: [name, ...issue.path], message: issue.message })),
      )
  }
  if (errors.length > 0) throw fieldErrors(errors)
  return parsed
}

/** The rules over the row as a whole, after a patch. */
export function checkMergedRow(model: RowModel, row: Fields): void {
  const issues = guard(model.entity, () => checkObject(model.entity, row))
  if (issues.length > 0) throw fieldErrors(issues)
}

/** @throws DnrError `bad_field` when `id` cannot be a row's id. */
export function checkId(id: unknown): asserts id is string {
  if (typeof id === 'string' && isRowId(id)) return
  throw fieldError('id', 'must be 1 to 200 bytes of printable text and neither "." nor ".."')
}

const MUTATION_ID = /^[\x21-\x7e]{1,128}$/

/** @throws DnrError `bad_request` */
export function checkMutationId(mutationId: string): void {
  if (typeof mutationId === 'string' && MUTATION_ID.test(mutationId)) return
  throw new DnrError('bad_request', 'A mutation id is 1 to 128 visible ASCII characters.')
}

/** @throws DnrError `bad_request` */
export function checkVersion(ifVersion: number, operation: Mutation['operation']): void {
  if (operation === 'create')
    throw new DnrError(
      'bad_request',
      'ifVersion: a new row has no version that could be expected. Leave it out.',
    )
  if (Number.isSafeInteger(ifVersion) && ifVersion >= 0) return
  throw new DnrError('bad_request', `ifVersion is ${String(ifVersion)}: expected a whole number, 0 or more.`)
}

function unwrap<T>(entity: AnyEntity, parse: () => SchemaResult<T>): T {
  const result = guard(entity, parse)
  if (!result.success) throw fieldErrors(result.error.issues)
  return result.data
}

// safeParse is not safe: deep nesting overflows the stack, and asynchronous rules throw.
function guard<T>(entity: AnyEntity, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    if (cause instanceof RangeError) throw fieldError('row', 'nests too deeply', cause)
    throw new DnrError(
      'bad_entity',
      `The schema of ${entity.name} could not be applied: its rules must be synchronous and must not throw.`,
      { cause },
    )
  }
}
