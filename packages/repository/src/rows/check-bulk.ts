// Everything about a bulk call that can be checked before its transaction. Pure.
import { type AnyEntity, DnrError } from '@dnr/protocol'
import { type Condition, readWhere } from '../query/read-query.ts'
import { type BulkSelection, MAX_BULK_ROWS } from './bulk.ts'
import { type CheckedMutation, checkMutation, type RowWriter } from './check-mutation.ts'
import { fieldError, fieldErrors } from './field-value.ts'
import type { RowModel } from './row-model.ts'
import { checkId } from './validate.ts'

/** Rows that a bulk call is about, checked. */
export type CheckedSelection =
  | { readonly by: 'ids'; readonly ids: readonly string[] }
  | { readonly by: 'where'; readonly conditions: readonly Condition[]; readonly limit: number | null }

/**
 * Checks every row of a creation.
 *
 * @throws DnrError `bad_field` with the complaints of all rows, each path beginning with the row's index
 */
export function checkRows<E extends AnyEntity>(
  writer: RowWriter<E>,
  rows: readonly unknown[],
): CheckedMutation[] {
  if (!Array.isArray(rows)) throw new DnrError('bad_request', 'createMany: expected an array of rows.')
  checkCount('createMany', rows.length)
  const checked: CheckedMutation[] = []
  const complaints: Complaint[] = []
  rows.forEach((fields, index) => {
    try {
      checked.push(checkMutation(writer, { operation: 'create', fields: asFields(fields) }, undefined))
    } catch (error) {
      complaints.push(...complaintsOf(error, index))
    }
  })
  if (complaints.length > 0) throw fieldErrors(complaints)
  return checked
}

interface Complaint {
  readonly path: readonly string[]
  readonly message: string
}

function complaintsOf(error: unknown, index: number): Complaint[] {
  if (!(error instanceof DnrError) || error.code !== 'bad_field') throw rowError(index, error)
  const listed = error.details?.['errors'] as readonly Complaint[] | undefined
  const complaints = listed ?? [{ path: [], message: error.message }]
  return complaints.map(({ path, message }) => ({ path: [`${index}`, ...path], message }))
}

function asFields(fields: unknown): Readonly<Record<string, unknown>> {
  if (typeof fields === 'object' && fields !== null && !Array.isArray(fields)) return { ...fields }
  throw fieldError('row', 'must be an object of fields')
}

/** @throws DnrError `bad_request`, `bad_query`, `bad_field` for an id that cannot be one, `too_many_rows` */
export function checkSelection(model: RowModel, selection: BulkSelection<never>): CheckedSelection {
  if (isIds(selection)) return { by: 'ids', ids: checkIds(selection) }
  const { where, limit = null, ...unknown } = (selection ?? {}) as { where?: never; limit?: number }
  const [stray] = Object.keys(unknown)
  if (where === undefined || stray !== undefined) {
    throw new DnrError(
      'bad_request',
      `Which rows? Expected an array of ids or { where, limit? }${stray === undefined ? '; { where: {} } is all' : `, not "${stray.slice(0, 64)}"`}.`,
    )
  }
  if (limit !== null && !(Number.isSafeInteger(limit) && limit >= 1 && limit <= MAX_BULK_ROWS)) {
    throw new DnrError(
      'bad_request',
      `limit is ${String(limit)}: expected a whole number from 1 to ${MAX_BULK_ROWS}.`,
    )
  }
  return { by: 'where', conditions: readWhere(model, where), limit }
}

function isIds(selection: unknown): selection is readonly string[] {
  return Array.isArray(selection)
}

function checkIds(ids: readonly string[]): readonly string[] {
  checkCount('ids', ids.length)
  const known = new Set<string>()
  ids.forEach((id, index) => {
    try {
      checkId(id)
    } catch (error) {
      throw rowError(index, error)
    }
    if (known.has(id)) throw rowError(index, namedTwice(id))
    known.add(id)
  })
  return ids
}

function checkCount(what: string, count: number): void {
  if (count > MAX_BULK_ROWS) throw tooManyRows(`${what}: ${count} rows`)
}

/** A row is changed once in a call. */
export function namedTwice(id: string): DnrError {
  return new DnrError('bad_request', `The row "${id}" is named twice.`)
}

/** A call as large as this would hold up everybody else. */
export function tooManyRows(what: string): DnrError {
  return new DnrError(
    'too_many_rows',
    `${what} are more than the ${MAX_BULK_ROWS} that one call may write. Write them in several calls; inside one database.transaction they still commit together.`,
  )
}

/** The error of one row, saying which: its index in what was given, or among the rows that match, by id. */
export function rowError(index: number, error: unknown): unknown {
  if (!(error instanceof DnrError)) return error
  const { code, message, retryable, retryAfterMs, details } = error
  return new DnrError(code, `Row ${index}: ${message}`, {
    retryable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    details: { ...details, index },
    cause: error,
  })
}
