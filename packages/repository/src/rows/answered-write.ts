// A write that happens once however often it is asked for. Holds what is done before and after the write itself: the
// checks that need no row, the stored answer. Next: write-row.ts.
import { type AnyEntity, createRowCodec, type WireRow } from '@dnr/protocol'
import type { WriteTransaction } from '../write/write-transaction.ts'
import { checkMutation, type RowWriter } from './check-mutation.ts'
import type { Mutation, MutationContext, MutationResult } from './mutation.ts'
import { findStoredAnswer, storeAnswer, type StoredAnswer } from './stored-answers.ts'
import { readRow, type RowWrite, writeRow } from './write-row.ts'

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
  return (transaction) => runOnce({ writer, checked, context, transaction })
}

function runOnce<E extends AnyEntity>(write: RowWrite<E>): MutationResult<E> {
  const { checked, context, transaction } = write
  const { mutationId, principal = null } = context
  if (mutationId === undefined || checked.fingerprint === null) return writeRow(write).result

  const { connection, now } = transaction
  const stored = findStoredAnswer(connection, principal, mutationId, checked.fingerprint)
  if (stored !== null) return replay(write, stored)
  const { result } = writeRow(write)
  const { version, position } = result
  storeAnswer(
    connection,
    principal,
    mutationId,
    checked.fingerprint,
    { answer: null, version, position },
    now,
  )
  return result
}

function replay<E extends AnyEntity>(write: RowWrite<E>, stored: StoredAnswer): MutationResult<E> {
  const { writer, checked } = write
  const wire = stored.answer === null ? null : (JSON.parse(stored.answer) as WireRow)
  authorizeReplay(write, wire?.id ?? checked.id ?? '')
  const row = wire === null ? null : createRowCodec<E>(writer.model.entity).decode(wire)
  return { row, version: stored.version, position: stored.position, replayed: true }
}

/** Asks whether the author of a stored answer may still have it: with the row as it is now. */
export function authorizeReplay<E extends AnyEntity>(write: RowWrite<E>, id: string): void {
  const { writer, checked, context } = write
  const now = readRow(write, id)
  const current = now === undefined ? null : writer.model.toTyped(now)
  context.authorize?.({
    operation: checked.operation,
    before: current,
    after: current,
    fields: Object.keys(checked.given),
    replay: true,
  })
}
