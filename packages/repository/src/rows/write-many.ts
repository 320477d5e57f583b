// Several writes of one entity as one: all or none, under one mutation id. Holds which rows and in which order; each is
// written as write-row.ts writes it.
import { type AnyEntity, createRowCodec, type Position, type RowOf, type WireRow } from '@dnr/protocol'
import { isConstraint, storageError } from '../database/storage-error.ts'
import { readAfterId } from '../query/find-rows.ts'
import type { WriteTransaction } from '../write/write-transaction.ts'
import { authorizeReplay } from './answered-write.ts'
import { type BulkResult, type BulkSelection, MAX_BULK_ROWS } from './bulk.ts'
import {
  type CheckedSelection,
  checkRows,
  checkSelection,
  namedTwice,
  rowError,
  tooManyRows,
} from './check-bulk.ts'
import { type CheckedMutation, checkMutation, type RowWriter } from './check-mutation.ts'
import { fingerprint } from './fingerprint.ts'
import type { MutationContext } from './mutation.ts'
import { findStoredAnswer, positionAt, storeAnswer } from './stored-answers.ts'
import { checkMutationId } from './validate.ts'
import { missingRow, readRow, type RowWrite, writeRow } from './write-row.ts'

/** A bulk call whose input is in order. */
export interface PreparedBulk<Result> {
  /** How many rows it may write: what it weighs in the write queue. */
  readonly rows: number
  /** May run more than once. */
  run(transaction: WriteTransaction): Result
}

/** @throws DnrError `bad_field`, `bad_request`, `too_many_rows` */
export function prepareCreateMany<E extends AnyEntity>(
  writer: RowWriter<E>,
  rows: readonly unknown[],
  context: MutationContext<E>,
): PreparedBulk<readonly RowOf<E>[]> {
  const checked = checkRows(writer, rows)
  const asked = askedOnce(writer, context, 'createMany', { rows })
  const run = (transaction: WriteTransaction): readonly RowOf<E>[] => {
    const writes = checked.map((one): RowWrite<E> => ({ writer, checked: one, context, transaction }))
    const stored = asked.find(transaction)
    if (stored !== null) return replayRows(writes, stored.answer)
    const written = writes.map((write, index) => atRow(index, () => writeRow(write)))
    asked.store(transaction, {
      answer: `[${written.map(({ answer }) => answer).join()}]`,
      count: written.length,
      position: transaction.position(),
    })
    return written.map(({ result }) => result.row as RowOf<E>)
  }
  return { rows: checked.length, run }
}

/** @throws DnrError `bad_field`, `bad_request`, `bad_query`, `too_many_rows` */
export function prepareUpdateMany<E extends AnyEntity>(
  writer: RowWriter<E>,
  selection: BulkSelection<never>,
  patch: Readonly<Record<string, unknown>>,
  context: MutationContext<E>,
): PreparedBulk<BulkResult> {
  // The patch is the same for all: it is checked once, under an id that each row's own replaces.
  const checked = checkMutation(writer, { operation: 'update', id: 'each', fields: patch }, undefined)
  return prepareChange(writer, selection, checked, context, patch)
}

/** @throws DnrError `bad_field`, `bad_request`, `bad_query`, `too_many_rows` */
export function prepareDeleteMany<E extends AnyEntity>(
  writer: RowWriter<E>,
  selection: BulkSelection<never>,
  context: MutationContext<E>,
): PreparedBulk<BulkResult> {
  const checked = checkMutation(writer, { operation: 'delete', id: 'each' }, undefined)
  return prepareChange(writer, selection, checked, context, null)
}

function prepareChange<E extends AnyEntity>(
  writer: RowWriter<E>,
  selection: BulkSelection<never>,
  checked: CheckedMutation,
  context: MutationContext<E>,
  patch: object | null,
): PreparedBulk<BulkResult> {
  const chosen = checkSelection(writer.model, selection)
  const asked = askedOnce(writer, context, `${checked.operation}Many`, { selection, patch })
  const run = (transaction: WriteTransaction): BulkResult => {
    const stored = asked.find(transaction)
    if (stored !== null) return { count: stored.version, position: stored.position }
    let count = 0
    idsOf(writer, chosen, transaction).forEach((id, index) => {
      // It may have gone with a row before it, by a foreign key or a trigger of the table.
      if (readRow({ writer, transaction }, id) === undefined) return
      atRow(index, () => writeRow({ writer, checked: { ...checked, id }, context, transaction }))
      count++
    })
    const end = transaction.position()
    // Named as it will be when the same is asked again: by the epoch in which its offset was written, maybe an earlier one.
    const position = count === 0 ? positionAt(transaction.connection, end.offset) : end
    const result = { count, position }
    asked.store(transaction, { answer: NO_ROWS, ...result })
    return result
  }
  return { rows: chosen.by === 'ids' ? chosen.ids.length : (chosen.limit ?? MAX_BULK_ROWS), run }
}

/** In the order in which they are written: as given, or by id. */
function idsOf(
  writer: RowWriter<AnyEntity>,
  chosen: CheckedSelection,
  transaction: WriteTransaction,
): readonly string[] {
  if (chosen.by === 'ids') return storedIds(writer, chosen.ids, transaction)
  const { conditions, limit } = chosen
  const rows = readAfterId(transaction.connection, writer.model, conditions, null, limit ?? MAX_BULK_ROWS + 1)
  if (rows.length > MAX_BULK_ROWS) throw tooManyRows(`where: the rows that match`)
  return rows.map((row) => row['id'] as string)
}

/** As the table has them: one that ignores case, say, finds the same row under several names. */
function storedIds(
  writer: RowWriter<AnyEntity>,
  ids: readonly string[],
  transaction: WriteTransaction,
): readonly string[] {
  const stored = new Set<string>()
  ids.forEach((id, index) => {
    const row = readRow({ writer, transaction }, id)
    if (row === undefined) throw rowError(index, missingRow(writer.model, id))
    const known = row['id'] as string
    if (stored.has(known)) throw rowError(index, namedTwice(id))
    stored.add(known)
  })
  return [...stored]
}

/** `null` would mean that the log has the answer. */
const NO_ROWS = '[]'

interface Asked {
  /** The answer of an earlier call with the same mutation id. @throws DnrError `mutation_id_reused` */
  find(transaction: WriteTransaction): ReturnType<typeof findStoredAnswer>
  store(
    transaction: WriteTransaction,
    answer: { readonly answer: string; readonly count: number; readonly position: Position },
  ): void
}

/** A bulk call keeps one answer, whose version is the number of its rows. */
function askedOnce<E extends AnyEntity>(
  { model }: RowWriter<E>,
  { mutationId, principal = null }: MutationContext<E>,
  operation: string,
  fields: Readonly<Record<string, unknown>>,
): Asked {
  if (mutationId === undefined) return { find: () => null, store: () => {} }
  checkMutationId(mutationId)
  const print = fingerprint({
    entity: model.entity.name,
    operation,
    id: undefined,
    fields,
    ifVersion: undefined,
  })
  return {
    find: ({ connection }) => findStoredAnswer(connection, principal, mutationId, print),
    store({ connection, now }, { answer, count, position }) {
      storeAnswer(connection, principal, mutationId, print, { answer, version: count, position }, now)
    },
  }
}

/** The rows as they were made, if their author may still see each of them. */
function replayRows<E extends AnyEntity>(
  writes: readonly RowWrite<E>[],
  answer: string | null,
): readonly RowOf<E>[] {
  const rows = JSON.parse(answer ?? '[]') as WireRow[]
  return rows.map((row, index) =>
    atRow(index, () => {
      const write = writes[index] as RowWrite<E>
      authorizeReplay(write, row.id)
      return createRowCodec<E>(write.writer.model.entity).decode(row)
    }),
  )
}

/** What goes wrong with one row says which. Trouble of the storage itself is nobody's row. */
function atRow<T>(index: number, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw rowError(index, isConstraint(error) ? storageError(error) : error)
  }
}
