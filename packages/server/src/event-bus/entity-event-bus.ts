// One node's fan-out. Holds how far the log has been delivered; holds no subscriber. Comes from the relay of a
// repository (or from the application itself); next: channel/, who hears it.
import {
  type Change,
  type ChangeSink,
  type Operation,
  type Position,
  type WireRow,
  hasReached,
} from '@dnr/protocol'
import type { MaybePromise } from '../policy/maybe-promise.ts'
import type { ChangeHistory } from '../ports/change-history.ts'

/** Hears committed changes, one whole transaction a call, in log order. What it throws is reported and disturbs nobody. */
export type ChangeListener = (transaction: readonly Change[]) => void

/**
 * Takes committed changes and hands them to everybody who may see them.
 *
 * Fits `ChangeSink`: what was delivered already is recognised by its offset and dropped, so a relay may hand it over
 * again. The three `emit…` are for rows that are not in a log: they reach who is connected now, at most once, and nobody
 * later. On a server with a log their events have no position.
 */
export interface EntityEventBus extends ChangeSink {
  publish(transaction: readonly Change[]): void
  /** Everything up to here has been delivered; `null` before it is known where the log stands. */
  readonly position: Position | null
  /** A row is new. `row` is in JSON form: dates as ISO text. */
  emitCreated(entityName: string, row: EmittedRow): void
  /**
   * A row changed. Without `before` nobody is told that it left their sight: who saw it is not known.
   */
  emitUpdated(entityName: string, id: string, row: EmittedRow, before?: EmittedRow): void
  /** A row is gone. Without `before` only those hear it whose rule says yes to a row of which the id alone is known. */
  emitDeleted(entityName: string, id: string, before?: EmittedRow): void
  /** Hears every transaction after the subscribers; returns its undo. */
  on(listener: ChangeListener): () => void
}

/** A row without a log. Without a `version` it is one more than that of the row before, or counted up when that has none. */
export interface EmittedRow {
  readonly [field: string]: unknown
}

/** The bus with what the server needs of it. */
export interface EventBus extends EntityEventBus {
  /** Resolves when `position` is known; at once afterwards. */
  ready(): MaybePromise<void>
}

export interface EventBusOptions {
  readonly history: ChangeHistory | null
  /** A random name, for the positions of a server without a log. */
  readonly epoch: string
  readonly now: () => number
  deliver(transaction: readonly Change[]): void
  onError(error: unknown, what: string): void
}

export function createEventBus({ history, epoch, now, deliver, onError }: EventBusOptions): EventBus {
  const listeners = new Set<{ readonly call: ChangeListener }>()
  let position: Position | null = history === null ? { epoch, offset: 0 } : null
  let headKnown = history === null
  let reading: Promise<void> | null = null
  let emitted = 0

  const moveTo = (reached: Position): void => {
    if (position === null || !hasReached(position, reached)) position = reached
  }

  const readHead = async (log: ChangeHistory): Promise<void> => {
    try {
      moveTo(await log.head())
      headKnown = true
    } finally {
      reading = null
    }
  }

  const handOut = (transaction: readonly Change[]): void => {
    deliver(transaction)
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
    handOut([
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
    ])
  }

  return {
    get position() {
      return position
    },
    publish(transaction) {
      const last = transaction.at(-1)
      if (last === undefined) return
      const known = position
      const fresh =
        known === null ? transaction : transaction.filter((change) => !hasReached(known, change.position))
      if (fresh.length === 0) return
      position = last.position
      handOut(fresh)
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
      if (headKnown || history === null) return undefined
      reading ??= readHead(history)
      return reading
    },
  }
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
