// What one of a group has read from the store before the log has told the others of it: to those it must not be said that such rows
// are gone, and if the log does not tell of them at all, the rule has shown them other rows. Held by the group's shown rows until the
// log is past the reading. Comes from snapshot-frames.ts and rights-difference.ts; note-outcome.ts and recheck.ts ask.
import { hasReached, type Position } from '@dnr/protocol'
import { type Doubt, isDoubted } from './doubt.ts'
import type { MovedRows } from './row-moves.ts'
import { hideRow, isShown, type ShownRows, showRow } from './shown-rows.ts'

/** A few rows that were read at once. */
export interface Reading {
  /** Those that the group had not been shown. */
  readonly ids: Set<string>
  /** Rows that the group had been shown, and that were not to be seen any more. */
  readonly missed: Set<string>
  /** Was it known of every row whether the group had been shown it? If not, others may have `ids`, too. */
  wasComplete: boolean
  /** Where the log stood afterwards; `null`: not known yet. */
  until: Position | null
  /** Subscriptions that may have them. */
  readonly readers: WeakSet<object>
}

export function beginReading(): Reading {
  return { ids: new Set(), missed: new Set(), wasComplete: false, until: null, readers: new WeakSet() }
}

/** Some of the group have this row now; the log has told of those in `moved` since they were read. */
export function showRead(shown: ShownRows, reading: Reading, id: string, moved: MovedRows): void {
  if (isShown(shown, id) || moved.has(id)) return
  showRow(shown, id)
  reading.ids.add(id)
  addReading(shown, reading)
}

/** Some of the group do not have this row, which may not be seen now. */
export function missRead(shown: ShownRows, reading: Reading, id: string, moved: MovedRows): void {
  if (!isShown(shown, id) || moved.has(id)) return
  reading.missed.add(id)
  addReading(shown, reading)
}

function addReading(shown: ShownRows, reading: Reading): void {
  reading.wasComplete = shown.isComplete
  shown.ahead ??= new Set()
  shown.ahead.add(reading)
}

/** All rows have been read; `head` is where the log stands, `delivered` what the group has been told up to. */
export function endReading(
  shown: ShownRows,
  reading: Reading,
  head: Position,
  delivered: Position | null,
  doubt: Doubt | null,
): void {
  reading.until = head
  passReadings(shown, delivered, doubt)
}

/**
 * It failed, and its reader is sent nothing: what was noted counts no longer, unless all has been forgotten since. Others may have read
 * the same rows meanwhile.
 */
export function dropReading(shown: ShownRows, reading: Reading): void {
  if (shown.ahead?.delete(reading) !== true) return
  for (const id of reading.ids) hideRow(shown, id)
  shown.isDivided = true
}

/** The log has told all of the group of a row, be it that it is gone. */
export function tellOfRow({ ahead }: ShownRows, id: string): void {
  for (const { ids, missed } of ahead ?? []) {
    ids.delete(id)
    missed.delete(id)
  }
}

/**
 * The group has been told up to `delivered`: what was read before is known to all. If the log has not told of it, the rule has made the
 * difference, and others have other rows. Of a row that it failed on that is known.
 */
export function passReadings(shown: ShownRows, delivered: Position | null, doubt: Doubt | null): void {
  const { ahead } = shown
  if (ahead === null || delivered === null) return
  for (const each of ahead) {
    if (each.until === null || !hasReached(delivered, each.until)) continue
    ahead.delete(each)
    shown.isDivided ||= divides(each, (id) => isShown(shown, id) && !isDoubted(doubt, id))
  }
  if (ahead.size === 0) shown.ahead = null
}

function divides({ ids, missed, wasComplete }: Reading, isOther: (id: string) => boolean): boolean {
  return [...missed].some(isOther) || (wasComplete && [...ids].some(isOther))
}

/** Who goes live now may have been sent what has been read. */
export function noteReader({ ahead }: ShownRows, subscription: object): void {
  for (const { readers } of ahead ?? []) readers.add(subscription)
}

/** Is what its group is known to be shown what it has, as far as that depends on who has read what? */
export function isKnownTo({ ahead, isDivided }: ShownRows, subscription: object): boolean {
  if (isDivided) return false
  for (const { readers } of ahead ?? []) if (readers.has(subscription)) return false
  return true
}

/** Is the row known to those alone who have read it, when the log is told up to the change at `at`? `null`: up to now. */
export function isAhead({ ahead }: ShownRows, id: string, at: Position | null): boolean {
  if (ahead === null) return false
  for (const { ids, until } of ahead)
    if (ids.has(id) && (at === null || until === null || hasReached(until, at))) return true
  return false
}
