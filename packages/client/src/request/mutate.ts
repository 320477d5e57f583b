import { DnrError, type Position, type ServerMessage, VersionConflict, type WireRow } from '@dnr/protocol'
import type { SafeForm } from '../collection/row-form.ts'
import type { Requests } from './requests.ts'

/** A write to be sent. Sending the same `mutationId` again returns the first answer and writes nothing. */
export interface Mutation {
  readonly entity: string
  readonly operation: 'create' | 'update' | 'delete'
  readonly id: string
  /** Dates and bigints travel as text, as those of rows do. */
  readonly fields?: Readonly<Record<string, unknown>>
  readonly ifVersion?: number
  readonly mutationId: string
}

/** The write is committed at `position`. `row: null` when deleted, or (`visible: false`) hidden from its author or not to be decoded. */
export interface MutationAnswer<Row> {
  readonly position: Position | null
  readonly row: Row | null
  readonly visible: boolean
}

/** Sends a write once. It rejects, retryable, when there is no connection or it is lost before the answer. */
export function mutate<Row>(
  requests: Requests,
  mutation: Mutation,
  form: SafeForm<Row>,
  signal: AbortSignal | undefined,
): Promise<MutationAnswer<Row>> {
  const { operation, id, fields } = mutation
  const payload = operation === 'create' ? { ...mutation, fields: { ...fields, id } } : mutation
  return new Promise((resolve, reject) => {
    const cancel = (): void => reject(new DnrError('cancelled', 'Cancelled: the write may have been stored.'))
    if (signal?.aborted) return cancel()
    signal?.addEventListener('abort', cancel)
    requests.ask({ type: 'mutate', payload }, (error, answer) => {
      signal?.removeEventListener('abort', cancel)
      if (error instanceof VersionConflict)
        Object.assign(error, { current: form.decode(error.current as WireRow) })
      if (error) return reject(error)
      const { position, payload: stored } = answer as Extract<ServerMessage, { type: 'mutated' }>
      const row = stored.row ? form.decode(stored.row) : null
      resolve({ position, row, visible: operation === 'delete' || !!row })
    })
  })
}
