import type { Position } from '@dnr/protocol'
import type { ReadonlySignal } from '@preact/signals-core'

/** What every row has. */
export interface VersionedRow {
  readonly id: string
  readonly version: number
}

/** Rows that were applied together. */
export interface ConfirmedBatch<Row> {
  /** `row: null` is gone; `version: null` when it only left the view. `mutationId` names the write that a change echoes. */
  readonly changes: readonly {
    readonly id: string
    readonly row: Row | null
    readonly version: number | null
    readonly mutationId: string | null
  }[]
  readonly position: Position
  readonly kind: 'events' | 'resync' | 'answer'
}

/**
 * Rows as the server confirmed them, kept current by someone else; a collection of `@dnr/client` fits.
 *
 * Called by this package, never the other way round but for `onBatch`. Rows are immutable: a row that changed is another
 * object with a higher version, one that did not change stays the same object.
 */
export interface ConfirmedRows<Row extends VersionedRow> {
  readonly entity: string
  /** The rows, sorted by `compare`. */
  readonly rows: ReadonlySignal<readonly Row[]>
  /** When `rows` shows the first `limit` rows alone: all that are known, to fill up from. */
  readonly allRows?: ReadonlySignal<readonly Row[]>
  readonly limit?: number | undefined
  /** `loading` before the first rows; `live` while they are kept current; `failed` when nothing will come any more. */
  readonly status: ReadonlySignal<string>
  byId(id: string): Row | undefined
  /** Everything up to here is applied. */
  readonly position: Position | null
  /** The view's order, a total one. */
  compare(a: Row, b: Row): number
  /** The view's filter. */
  matches(row: Row): boolean
  /**
   * Calls `listener` once per applied batch, when `byId` and `position` tell the new state and before `rows` notifies; what
   * the listener writes to signals comes with the same notification. A batch without changes says that the position moved.
   */
  onBatch(listener: (batch: ConfirmedBatch<Row>) => void): () => void
  /**
   * Takes a write's answer as confirmed, by version: older than what is known is ignored. `row: null` is deleted, in version
   * `Infinity`, or hidden. What the stream has not reached must go again when a resync of another epoch comes.
   */
  absorb(answer: { id: string; row: Row | null; version: number; position: Position | null }): void
}
