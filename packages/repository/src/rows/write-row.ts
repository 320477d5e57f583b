// One write of one row, inside a transaction: row, log entry and stored answer. Holds the order of the checks; validation
// that needs no row is done before the transaction, in check-mutation.ts. Next: change-log/.
import {
  type AnyEntity,
  createRowCodec,
  DnrError,
  type Position,
  type Principal,
  type RowOf,
  VersionConflict,
  type WireRow,
} from '@dnr/protocol'
import { isTakenId } from '../database/storage-error.ts'
import type { WriteTransaction } from '../write/write-transaction.ts'
import { checkMutation, type CheckedMutation, type RowWriter } from './check-mutation.ts'
import { fieldError, type StoredValue } from './field-value.ts'
import type { Mutation, MutationContext, MutationResult, PrepareContext } from './mutation.ts'
import type { RowModel, StoredRow } from './row-model.ts'
import { findStoredAnswer, storeAnswer } from './stored-answers.ts'
import { buryRow, firstVersion } from './tombstones.ts'
import { checkId, checkMergedRow, parseFields, parseRow, readFields } from './validate.ts'

/** A write whose input is in order, ready to run in a transaction; may run more than once. */
export type PreparedWrite<E extends AnyEntity> = (transaction: WriteTransaction) => MutationResult<E>

/**
 * Checks everything about a write that needs no row, and returns the rest of it as a function of a transaction.
 *
 * @throws DnrError `bad_field`, `bad_request`
 */
export function prepareWrite<E extends AnyEntity>(
  writer: RowWriter<E>,
  mutation: Mutation,
  context: MutationContext<E>,
): PreparedWrite<E> {
  const checked = checkMutation(writer, mutation, context.mutationId)
  return (transaction) => runWrite(writer, checked, context, transaction)
}

function runWrite<E extends AnyEntity>(
  writer: RowWriter<E>,
  checked: CheckedMutation,
  context: MutationContext<E>,
  transaction: WriteTransaction,
): MutationResult<E> {
  const principal = context.principal ?? null
  const { mutationId } = context
  if (mutationId === undefined || checked.fingerprint === null)
    return writeOnce(writer, checked, context, transaction).result

  const stored = findStoredAnswer(transaction.connection, principal, mutationId, checked.fingerprint)
  if (stored !== null) {
    const row =
      stored.answer === null
        ? null
        : createRowCodec<E>(writer.model.entity).decode(JSON.parse(stored.answer) as WireRow)
    const now = readRow(writer, transaction, (row as { id: string } | null)?.id ?? checked.id ?? '')
    const current = now === undefined ? null : writer.model.toTyped(now)
    context.authorize?.({
      operation: checked.operation,
      before: current,
      after: current,
      fields: Object.keys(checked.given),
      replay: true,
    })
    return { row, version: stored.version, position: stored.position, replayed: true }
  }
  const { result, answer } = writeOnce(writer, checked, context, transaction)
  storeAnswer(
    transaction.connection,
    principal,
    mutationId,
    checked.fingerprint,
    { answer, version: result.version, position: result.position },
    transaction.now,
  )
  return result
}

interface Written<E extends AnyEntity> {
  readonly result: MutationResult<E>
  readonly answer: string | null
}

function writeOnce<E extends AnyEntity>(
  writer: RowWriter<E>,
  checked: CheckedMutation,
  context: MutationContext<E>,
  transaction: WriteTransaction,
): Written<E> {
  switch (checked.operation) {
    case 'create':
      return createRow(writer, checked, context, transaction)
    case 'update':
      return updateRow(writer, checked, context, transaction)
    case 'delete':
      return deleteRow(writer, checked, context, transaction)
  }
}

function createRow<E extends AnyEntity>(
  writer: RowWriter<E>,
  checked: CheckedMutation,
  context: MutationContext<E>,
  transaction: WriteTransaction,
): Written<E> {
  const { model, prepare } = writer
  const { connection } = transaction
  const hook = prepare.create
  const values =
    hook === undefined
      ? checked.values
      : parseRow(model, {
          ...readFields(model, hook(checked.values as never, prepareContext(context, transaction))),
          ...(checked.id === undefined ? {} : { id: checked.id }),
        })
  const id = values['id']
  checkId(id)
  const stored = model.store(values, 1)
  context.authorize?.({
    operation: 'create',
    before: null,
    after: model.toTyped(stored),
    fields: Object.keys(checked.given),
    replay: false,
  })
  if (checked.isChosenId) stored['version'] = firstVersion(connection, { entity: model.entity.name, id })
  try {
    connection.run(writer.statements.insert, stored)
  } catch (error) {
    throw isTakenId(error, model.table) ? takenId(model, id) : error
  }
  return finish(writer, context, transaction, 'created', null, stored)
}

function updateRow<E extends AnyEntity>(
  writer: RowWriter<E>,
  checked: CheckedMutation,
  context: MutationContext<E>,
  transaction: WriteTransaction,
): Written<E> {
  const { model } = writer
  const before = existingRow(writer, transaction, checked.id ?? '')
  const typedBefore = model.toTyped(before)
  const patch = preparePatch(writer, checked, typedBefore, context, transaction)
  const columns: Record<string, StoredValue> = {}
  for (const name of Object.keys(patch).sort()) columns[name] = model.storeField(name, patch[name])
  const version = (before['version'] as number) + 1
  const after: StoredRow = { ...before, ...columns, version }
  const typedAfter = model.toTyped(after)
  context.authorize?.({
    operation: 'update',
    before: typedBefore,
    after: typedAfter,
    fields: Object.keys(checked.given),
    replay: false,
  })
  checkExpectedVersion(checked, typedBefore)
  // After authorize: a rule over the whole row would tell about a row that the writer may not see.
  checkMergedRow(model, typedAfter)
  transaction.connection.run(writer.statements.update(Object.keys(columns)), {
    ...columns,
    version,
    id: checked.id ?? '',
  })
  return finish(writer, context, transaction, 'updated', before, after)
}

function deleteRow<E extends AnyEntity>(
  writer: RowWriter<E>,
  checked: CheckedMutation,
  context: MutationContext<E>,
  transaction: WriteTransaction,
): Written<E> {
  const { model, statements } = writer
  const id = checked.id ?? ''
  const before = existingRow(writer, transaction, id)
  const typedBefore = model.toTyped(before)
  context.authorize?.({ operation: 'delete', before: typedBefore, after: null, fields: [], replay: false })
  checkExpectedVersion(checked, typedBefore)
  transaction.connection.run(statements.remove, { id })
  const written = finish(writer, context, transaction, 'deleted', before, null)
  buryRow(
    transaction.connection,
    { entity: model.entity.name, id },
    written.result.version,
    written.result.position.offset,
  )
  return written
}

function preparePatch<E extends AnyEntity>(
  writer: RowWriter<E>,
  checked: CheckedMutation,
  before: RowOf<E>,
  context: MutationContext<E>,
  transaction: WriteTransaction,
): Readonly<Record<string, unknown>> {
  const hook = writer.prepare.update
  if (hook === undefined) return checked.values
  const prepared = readFields(
    writer.model,
    hook({ ...checked.values } as never, before, prepareContext(context, transaction)),
  )
  if (prepared['id'] !== undefined && prepared['id'] !== checked.id) throw fieldError('id', 'cannot change')
  delete prepared['id']
  // What the hook left as it was has been checked, and transformed, already.
  const added = Object.entries(prepared).filter(([name, value]) => value !== checked.values[name])
  return { ...prepared, ...parseFields(writer.model, Object.fromEntries(added)) }
}

function finish<E extends AnyEntity>(
  { model }: RowWriter<E>,
  context: MutationContext<E>,
  transaction: WriteTransaction,
  operation: 'created' | 'updated' | 'deleted',
  before: StoredRow | null,
  after: StoredRow | null,
): Written<E> {
  const row = (after ?? before) as StoredRow
  const version = operation === 'deleted' ? (row['version'] as number) + 1 : (row['version'] as number)
  const wireBefore = before === null ? null : model.toWire(before)
  const wireAfter = after === null ? null : model.toWire(after)
  const afterText = wireAfter === null ? null : JSON.stringify(wireAfter)
  const position: Position = transaction.append({
    entity: model.entity.name,
    id: row['id'] as string,
    operation,
    version,
    before: wireBefore,
    after: wireAfter,
    beforeText: wireBefore === null ? null : JSON.stringify(wireBefore),
    afterText,
    mutationId: context.mutationId ?? null,
    actor: context.principal?.id ?? null,
  })
  return {
    result: { row: after === null ? null : model.toTyped(after), version, position, replayed: false },
    answer: afterText,
  }
}

function prepareContext(
  context: { readonly principal?: Principal | null },
  { connection, now }: WriteTransaction,
): PrepareContext {
  return {
    principal: context.principal ?? null,
    now,
    query: (query) => {
      const { sql, parameters } = query.compile()
      return connection.query(sql, parameters) as never
    },
  }
}

function readRow(
  writer: RowWriter<AnyEntity>,
  { connection }: WriteTransaction,
  id: string,
): StoredRow | undefined {
  return connection.get(writer.statements.byId, { id })
}

function existingRow(writer: RowWriter<AnyEntity>, transaction: WriteTransaction, id: string): StoredRow {
  const row = readRow(writer, transaction, id)
  if (row === undefined)
    throw new DnrError('not_found', `There is no ${writer.model.entity.name} with the id "${id}".`)
  return row
}

function checkExpectedVersion({ ifVersion }: CheckedMutation, row: { readonly version: number }): void {
  if (ifVersion !== undefined && row.version !== ifVersion)
    throw new VersionConflict(row, ifVersion, row.version)
}

function takenId(model: RowModel, id: string): DnrError {
  return new DnrError(
    'id_taken',
    `There is a ${model.entity.name} with the id "${id}" already. Choose another id, or update that row.`,
  )
}
