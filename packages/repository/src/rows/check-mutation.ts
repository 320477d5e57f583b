import { type AnyEntity, DnrError } from '@dnr/protocol'
import { nanoid } from 'nanoid'
import { fieldError } from './field-value.ts'
import { fingerprint } from './fingerprint.ts'
import type { Mutation, PrepareHooks } from './mutation.ts'
import type { RowModel } from './row-model.ts'
import type { RowStatements } from './row-statements.ts'
import {
  checkId,
  checkMutationId,
  checkVersion,
  type Fields,
  parseFields,
  parseRow,
  readFields,
} from './validate.ts'

/** What the writes of one repository share. */
export interface RowWriter<E extends AnyEntity> {
  readonly model: RowModel<E>
  readonly statements: RowStatements
  readonly prepare: PrepareHooks<E>
  readonly createId: () => string
}

type Writer = Pick<RowWriter<AnyEntity>, 'model' | 'prepare' | 'createId'>

/** A write whose input is in order. */
export interface CheckedMutation {
  readonly operation: Mutation['operation']
  /** `undefined` when the schema makes the id of a new row. */
  readonly id: string | undefined
  /** Is `id` a random one of ours? Any other may have been another row's before. */
  readonly isRandomId: boolean
  /** What the caller gave, by known names. */
  readonly given: Fields
  /** The new row, or the patch; before a `prepare` hook has seen it. */
  readonly values: Fields
  readonly ifVersion: number | undefined
  readonly fingerprint: string | null
}

/**
 * Everything about a write that can be checked without a row or a transaction.
 *
 * @throws DnrError `bad_field`, `bad_request`
 */
export function checkMutation(
  writer: Writer,
  mutation: Mutation,
  mutationId: string | undefined,
): CheckedMutation {
  const { operation, ifVersion } = mutation
  if (mutationId !== undefined) checkMutationId(mutationId)
  if (ifVersion !== undefined) checkVersion(ifVersion, operation)
  const given = readFields(writer.model, mutation.fields ?? {})
  const id = operation === 'create' ? newId(writer, mutation.id, given) : mutation.id
  if (id !== undefined || operation !== 'create') checkId(id)
  return {
    operation,
    id,
    isRandomId: isRandomId(writer, mutation, given),
    given,
    values: checkValues(writer, operation, id, given),
    ifVersion,
    fingerprint: mutationId === undefined ? null : fingerprintOf(writer, mutation),
  }
}

function fingerprintOf({ model }: Writer, { operation, id, fields = {}, ifVersion }: Mutation): string {
  // The id of a new row may stand in either place: asked again over another transport it is the same write.
  const asked = id ?? (fields['id'] as string | undefined)
  return fingerprint(
    { entity: model.entity.name, operation, id: asked, fields, ifVersion },
    model.sortedNames,
  )
}

function newId(writer: Writer, id: string | undefined, given: Fields): string | undefined {
  const own = given['id']
  if (id !== undefined && own !== undefined && own !== id)
    throw fieldError('id', 'differs from the id of the write')
  const chosen = id ?? own
  if (chosen !== undefined) return chosen as string
  return writer.model.makesIds ? undefined : writer.createId()
}

function isRandomId({ createId, model }: Writer, { operation, id }: Mutation, given: Fields): boolean {
  const isChosen = operation !== 'create' || id !== undefined || given['id'] !== undefined
  return !isChosen && !model.makesIds && createId === nanoid
}

function checkValues(
  writer: Writer,
  operation: Mutation['operation'],
  id: string | undefined,
  given: Fields,
): Fields {
  const { model, prepare } = writer
  if (operation === 'delete') return {}
  if (operation === 'update') {
    if (given['id'] !== undefined) throw fieldError('id', 'cannot change')
    if (Object.keys(given).length === 0)
      throw new DnrError('bad_field', 'The patch changes nothing: give at least one field.')
    return parseFields(model, given)
  }
  const row = id === undefined ? given : { ...given, id }
  if (prepare.create === undefined) return parseRow(model, row)
  // The hook completes the row, so only what was given can be checked now; it gets it untransformed.
  parseFields(model, row)
  return row
}
