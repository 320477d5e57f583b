// One node's fan-out. Holds how far the log has been delivered; holds no subscriber. Comes from the relay of a
// repository (or from the application itself); next: channel/, who hears it.
import {
  type Change,
  type ChangeSink,
  type LogGap,
  type Operation,
  type Position,
  type WireRow,
  hasReached,
  isSamePosition,
} from '@dnr/protocol'
import type { MaybePromise } from '../policy/maybe-promise.ts'
import type { ChangeHistory } from '../ports/change-history.ts'

/**
 * Hears committed changes, one whole transaction a call, in log order, each once: all that the relay hands over. What it throws
 * is reported and disturbs nobody. A transaction of more than a thousand changes (`maxWholeChanges` of the repository) comes in
 * several calls, between which the event loop turns: it ends with the change that is `last`.
 *
 * Nothing is handed over of what was committed before the relay was started, or while none ran, nor of what another process
 * trimmed before it was read here. A relay leaves nothing else out: where the first offset of a transaction is not one more than
 * the last one heard, changes are missing, and whoever needs each of them has to read what is true now.
 */
export type ChangeListener = (transaction: readonly Change[]) => void

/**
 * Takes committed changes and hands them to everybody who may see them.
 *
 * Fits `ChangeSink`: what was delivered already is recognised by its offset and dropped, so a relay may hand it over
 * again. Where a relay leaves changes out, everybody who hears rows is sent to ask for them. The three `emit…` are for rows
 * that are not in a log: they reach who is connected now, at most once, and nobody later. On a server with a log their events
 * have no position.
 */
export interface EntityEventBus extends ChangeSink {
  publish(transaction: readonly Change[]): void
  skipTo(gap: LogGap): void
  /** Everything up to here has been delivered, or who missed it was told so; `null` before it is known where the log stands. */
  readonly position: Position | null
  /** A row is new. `row` is in JSON form: dates as ISO text. */
  emitCreated(entityName: string, row: EmittedRow): void
  /**
   * A row changed. Without `before` nobody is told that it left their sight: who saw it is not known.
   */
  emitUpdated(entityName: string, id: string, row: EmittedRow, before?: EmittedRow): void
  /** A row is gone. Without `before` only those hear it whose rule says yes to a row of which the id alone is known. */
  emitDeleted(entityName: string, id: string, before?: EmittedRow): void
  /** Hears transactions after the subscribers; returns its undo. */
  on(listener: ChangeListener): () => void
}

/** A row without a log. Without a `version` it is one more than that of the row before, or counted up when that has none. */
export interface EmittedRow {
  readonly [field: string]: unknown
}

/** The bus with what the server needs of it. */
export interface EventBus extends EntityEventBus {
  /** How often changes were left out, so that everybody who hears rows was sent to ask for them. */
  readonly gaps: number
  /** Resolves when `position` is known; at once afterwards. */
  ready(): MaybePromise<void>
}

export interface EventBusOptions {
  readonly history: ChangeHistory | null
  /** A random name, for the positions of a server without a log. */
  readonly epoch: string
  readonly now: () => number
  deliver(transaction: readonly Change[]): void
  /** A part of a transaction that comes in several; `before`: where the log stood before it. */
  deliverPart(changes: readonly Change[], before: Position): void
  /** Changes will not be delivered: nobody may go on as if there had been none. */
  missed(): void
  onError(error: unknown, what: string): void
}

export function createEventBus({
  history,
  epoch,
  now,
  deliver,
  deliverPart,
  missed,
  onError,
}: EventBusOptions): EventBus {
  const listeners = new Set<{ readonly call: ChangeListener }>()
  let position: Position | null = history === null ? { epoch, offset: 0 } : null
  /** How far a transaction has come of which the end is still to come. */
  let passed: Position | null = null
  /** What listeners have had: the head of the log may be read before the relay is as far. */
  let heard: Position | null = null
  let reading: Promise<void> | null = null
  let emitted = 0
  let gaps = 0

  const readHead = async (log: ChangeHistory): Promise<void> => {
    try {
      const head = await log.head()
      // What a relay has said meanwhile is where it goes on from, without a gap.
      position ??= head
    } finally {
      reading = null
    }
  }

  const tellListeners = (transaction: readonly Change[]): void => {
    // A listener that is added meanwhile hears the next one first; one that is removed hears nothing more.
    for (const listener of Array.from(listeners)) {
      if (!listeners.has(listener)) continue
      try {
        listener.call(transaction)
      } catch (error) {
        onError(error, 'a listener of the event bus')
      }
    }
  }

  /** In the middle of a transaction the position stays before it: nobody has been told of any of it. */
  const take = (changes: readonly Change[], last: Change): void => {
    if (passed === null && last.last) {
      position = last.position
      return deliver(changes)
    }
    const before = position ?? { epoch: last.position.epoch, offset: last.transaction - 1 }
    passed = last.last ? null : last.position
    position = last.last ? last.position : before
    deliverPart(changes, before)
  }

  const emit = (
    operation: Operation,
    entity: string,
    id: string,
    before: EmittedRow | null,
    after: EmittedRow | null,
  ): void => {
    // A log's positions are its own: what is not in it stands where it does.
    if (history === null && position !== null)
      position = { epoch: position.epoch, offset: position.offset + 1 }
    const version = versionOf(after) ?? following(versionOf(before)) ?? ++emitted
    const at: Position = position ?? { epoch, offset: 0 }
    const rows = { before: wireRow(before, id, version), after: wireRow(after, id, version) }
    const transaction: readonly Change[] = [
      {
        entity,
        id,
        operation,
        version,
        ...rows,
        mutationId: null,
        actor: null,
        at: now(),
        position: at,
        ...(history === null ? {} : { unlogged: true }),
        transaction: at.offset,
        last: true,
      },
    ]
    deliver(transaction)
    tellListeners(transaction)
  }

  return {
    get position() {
      return position
    },
    get gaps() {
      return gaps
    },
    publish(transaction) {
      const last = transaction.at(-1)
      if (last === undefined) return
      const undelivered = unseen(transaction, passed ?? position)
      if (undelivered.length > 0) take(undelivered, last)
      const unheard = unseen(transaction, heard)
      if (unheard.length === 0) return
      heard = last.position
      tellListeners(unheard)
    },
    skipTo({ position: skipped, isOtherHistory = false }) {
      const known = position
      const isKnown = isOtherHistory ? isSamePosition : hasReached
      if (known !== null && isKnown(known, skipped)) return
      position = skipped
      passed = null
      if (isOtherHistory) heard = skipped
      if (known === null) return
      gaps++
      missed()
    },
    emitCreated: (entityName, row) => emit('created', entityName, String(row['id']), null, row),
    emitUpdated: (entityName, id, row, before) => emit('updated', entityName, id, before ?? row, row),
    emitDeleted: (entityName, id, before) => emit('deleted', entityName, id, before ?? { id }, null),
    on(listener) {
      const registration = { call: listener }
      listeners.add(registration)
      return () => void listeners.delete(registration)
    },
    ready() {
      if (position !== null || history === null) return undefined
      reading ??= readHead(history)
      return reading
    },
  }
}

/** The changes of a transaction that somebody who stands at `position` has not had. */
function unseen(transaction: readonly Change[], position: Position | null): readonly Change[] {
  const [first] = transaction
  if (position === null || first === undefined || !hasReached(position, first.position)) return transaction
  return transaction.filter((change) => !hasReached(position, change.position))
}

function wireRow(row: EmittedRow | null, id: string, version: number): WireRow | null {
  return row === null ? null : { ...row, id, version: versionOf(row) ?? version }
}

/** An update and a deletion count as one. */
function following(version: number | null): number | null {
  return version === null ? null : version + 1
}

function versionOf(row: EmittedRow | null): number | null {
  const version = row?.['version']
  return typeof version === 'number' ? version : null
}
