// One write of one row and its log entry, inside a transaction. Holds the order: row before, fields, authorize, version,
// rules over the whole row, log, row. Next: change-log/.
import {
  type AnyEntity,
  DnrError,
  type Operation,
  type RowOf,
  VersionConflict,
  type WireRow,
} from '@dnr/protocol'
import { isTakenId } from '../database/storage-error.ts'
import type { WriteTransaction } from '../write/write-transaction.ts'
import type { CheckedMutation, RowWriter } from './check-mutation.ts'
import type { StoredValue } from './field-value.ts'
import type { MutationContext, MutationResult } from './mutation.ts'
import { valuesOfNewRow, valuesOfPatch } from './prepared-values.ts'
import type { RowForms, RowModel, StoredRow } from './row-model.ts'
import { buryRow, firstVersion } from './tombstones.ts'
import { checkId, checkMergedRow } from './validate.ts'

/** A checked write and the transaction that it happens in. */
export interface RowWrite<E extends AnyEntity> {
  readonly writer: RowWriter<E>
  readonly checked: CheckedMutation
  readonly context: MutationContext<E>
  readonly transaction: WriteTransaction
}

/** What a write came to. */
export interface WrittenRow<E extends AnyEntity> {
  readonly result: MutationResult<E>
  /** The row after it in its JSON form, as text; `null` for a deletion. */
  readonly answer: string | null
}

/** @throws DnrError and whatever `authorize` or a `prepare` hook throws; then the caller undoes what was written */
export function writeRow<E extends AnyEntity>(write: RowWrite<E>): WrittenRow<E> {
  switch (write.checked.operation) {
    case 'create':
      return createRow(write)
    case 'update':
      return updateRow(write)
    case 'delete':
      return deleteRow(write)
  }
}

/** The row as it is inside the transaction. */
export function readRow(
  { writer, transaction }: Pick<RowWrite<AnyEntity>, 'writer' | 'transaction'>,
  id: string,
): StoredRow | undefined {
  return transaction.connection.get(writer.statements.byId, { id })
}

function createRow<E extends AnyEntity>(write: RowWrite<E>): WrittenRow<E> {
  const { writer, checked, transaction } = write
  const { model } = writer
  const { connection } = transaction
  const values = valuesOfNewRow(write)
  const id = values['id']
  // The id of the write has been checked.
  if (typeof id !== 'string' || id !== checked.id) checkId(id)
  const stored = model.store(values, 1)
  // A random id, unless the schema made it another, was nobody's before: that saves a statement.
  const isNew = checked.isRandomId && id === checked.id
  if (!isNew) stored['version'] = firstVersion(connection, { entity: model.entity.name, id })
  const after = model.toForms(stored)
  authorize(write, null, after.typed)
  const written = record(write, 'created', null, after)
  insertRow(write, id, stored)
  return finish(write, written)
}

function insertRow(write: RowWrite<AnyEntity>, id: string, stored: Record<string, StoredValue>): void {
  const { model, statements } = write.writer
  try {
    if (write.transaction.connection.run(statements.insert, stored) !== 0) return
  } catch (error) {
    throw isTakenId(error, model.table) ? takenId(model, id) : error
  }
  throw readRow(write, id) === undefined ? ignoredWrite(model) : takenId(model, id)
}

function updateRow<E extends AnyEntity>(write: RowWrite<E>): WrittenRow<E> {
  const { writer, transaction } = write
  const { model, statements } = writer
  const stored = existingRow(write)
  const before = model.toForms(stored)
  const patch = valuesOfPatch(write, before.typed)
  const columns: Record<string, StoredValue> = {}
  const names = model.sortedNames.filter((name) => Object.hasOwn(patch, name))
  for (const name of names) columns[name] = model.storeField(name, patch[name])
  const version = before.typed.version + 1
  const after = model.toForms({ ...stored, ...columns, version })
  authorize(write, before.typed, after.typed)
  checkExpectedVersion(write.checked, before.typed)
  // After authorize: a rule over the whole row would tell about a row that the writer may not see.
  checkMergedRow(model, after.typed)
  const row = { ...columns, version, id: before.typed.id }
  const written = record(write, 'updated', before, after)
  if (transaction.connection.run(statements.update(names), row) === 0) throw ignoredWrite(model)
  return finish(write, written)
}

function deleteRow<E extends AnyEntity>(write: RowWrite<E>): WrittenRow<E> {
  const { writer, transaction } = write
  const { model, statements } = writer
  const before = model.toForms(existingRow(write))
  authorize(write, before.typed, null)
  checkExpectedVersion(write.checked, before.typed)
  const { id } = before.typed
  const written = record(write, 'deleted', before, null)
  const { version, position } = written.result
  buryRow(transaction.connection, { entity: model.entity.name, id }, version, position.offset)
  const removed = transaction.connection.run(statements.remove, { id })
  // A trigger may have taken it away just before: then the log is right.
  if (removed === 0 && readRow(write, id) !== undefined) throw ignoredWrite(model)
  return finish(write, written)
}

function authorize<E extends AnyEntity>(
  { checked, context }: RowWrite<E>,
  before: RowOf<E> | null,
  after: RowOf<E> | null,
): void {
  const { operation, given } = checked
  context.authorize?.({ operation, before, after, fields: Object.keys(given), replay: false })
}

function record<E extends AnyEntity>(
  { writer, context, transaction }: RowWrite<E>,
  operation: Operation,
  before: RowForms<E> | null,
  after: RowForms<E> | null,
): WrittenRow<E> {
  const { model } = writer
  const wireBefore = before === null ? null : before.wire
  const wireAfter = after === null ? null : after.wire
  const texts = { before: textOf(wireBefore), after: textOf(wireAfter) }
  // A deletion counts as a change of the row.
  const version = wireAfter?.version ?? (wireBefore?.version ?? 0) + 1
  const entry = {
    entity: model.entity.name,
    id: (wireAfter ?? wireBefore)?.id ?? '',
    operation,
    version,
    before: wireBefore,
    after: wireAfter,
    mutationId: context.mutationId ?? null,
    actor: context.principal?.id ?? null,
  }
  const position = transaction.append(entry, texts)
  const row = after === null ? null : after.typed
  return { result: { row, version, position, replayed: false }, answer: texts.after }
}

function textOf(image: WireRow | null): string | null {
  return image === null ? null : JSON.stringify(image)
}

/** The row has been written, after its entry of the log: what triggers logged because of it follows the entry. */
function finish<E extends AnyEntity>(
  { transaction, context }: RowWrite<E>,
  written: WrittenRow<E>,
): WrittenRow<E> {
  transaction.catchUp(context.principal?.id ?? null)
  return written
}

function existingRow(write: RowWrite<AnyEntity>): StoredRow {
  const id = write.checked.id ?? ''
  const row = readRow(write, id)
  if (row !== undefined) return row
  throw missingRow(write.writer.model, id)
}

/** There is no row of this id. */
export function missingRow(model: RowModel, id: string): DnrError {
  return new DnrError('not_found', `There is no ${model.entity.name} with the id "${id}".`)
}

function checkExpectedVersion({ ifVersion }: CheckedMutation, row: { readonly version: number }): void {
  if (ifVersion !== undefined && row.version !== ifVersion) {
    throw new VersionConflict(row, ifVersion, row.version)
  }
}

function takenId(model: RowModel, id: string): DnrError {
  return new DnrError(
    'id_taken',
    `There is a ${model.entity.name} with the id "${id}" already. Choose another id, or update that row.`,
  )
}

/** SQLite reports no error, only that nothing changed: row and log would say different things from here on. */
function ignoredWrite(model: RowModel): DnrError {
  return new DnrError(
    'bad_field',
    `Refused: the table of ${model.entity.name} ignored the write, by a trigger with RAISE(IGNORE) or a column declared ON CONFLICT IGNORE.`,
  )
}
