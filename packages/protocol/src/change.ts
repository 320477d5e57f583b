import type { Position } from './position.ts'

/** What happened to a row. */
export type Operation = 'created' | 'updated' | 'deleted'

/** A row as it travels: plain JSON values by field name, with `id` and `version`. */
export interface WireRow {
  readonly id: string
  readonly version: number
  readonly [field: string]: unknown
}

/**
 * One committed change of one row, as the change log holds it.
 *
 * Changes come in log order. All changes of one database transaction share `transaction`; `last` marks its end.
 */
export interface Change {
  readonly entity: string
  readonly id: string
  readonly operation: Operation
  /** The row's version after the change; a deletion counts as one. */
  readonly version: number
  /** The row before, `null` for a creation. */
  readonly before: WireRow | null
  /** The row after, `null` for a deletion. */
  readonly after: WireRow | null
  /** The id that the writer gave to the mutation, or `null`. */
  readonly mutationId: string | null
  /** Who wrote it, or `null` for the server itself. */
  readonly actor: string | null
  /** Wall clock of the commit, milliseconds since the epoch. Never used for order. */
  readonly at: number
  readonly position: Position
  /** It is in no log: `position` is where the log stood, and nobody is sent it a second time. */
  readonly unlogged?: true
  /** Offset of the first change of the same transaction. */
  readonly transaction: number
  /** Is this the last change of its transaction? */
  readonly last: boolean
}

/**
 * Takes committed changes, one whole transaction a call, in log order, at least once.
 *
 * A very long transaction comes in several calls, one after the other, which begin where the one before ended; only the
 * last of them ends with a change that is `last`.
 *
 * Declared here because relay and event bus meet in it. A sink recognises by `position` what it has already taken.
 * Throwing (or rejecting) means "not taken": the same call comes again, later ones wait.
 */
export interface ChangeSink {
  publish(transaction: readonly Change[]): void | Promise<void>
  /**
   * Says that nothing up to `gap.position` comes any more, whatever has come so far: where a relay begins, and where it goes on
   * when the log was trimmed before it had read it. Whoever has not had everything up to there has a gap, and finds out
   * elsewhere what is true now. It takes its place among the transactions: what is published next comes after it.
   *
   * This alone tells of a gap: offsets of what is published may jump. A sink that leaves it out is not told.
   *
   * One that wraps another hands `gap` on as it is.
   */
  skipTo?(gap: LogGap): void | Promise<void>
}

/** Where a relay goes on. One object, so that whoever hands it on loses nothing of it. */
export interface LogGap {
  readonly position: Position
  /** A backup was put back: `position` may be before what has come so far, and its offsets come again. @default false */
  readonly isOtherHistory?: boolean
}
