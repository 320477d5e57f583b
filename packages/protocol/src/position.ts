import { type Parsed, err, ok } from './parsed.ts'

/**
 * A place in the change log: everything up to and including `offset` has been seen.
 *
 * `epoch` names one incarnation of the log, so that a position from a restored backup or a lost tail is recognised.
 * Offsets rise over all entities of one database and are never used twice within an epoch. This file alone looks inside.
 */
export interface Position {
  /** Random id of the log's incarnation, never a counter. */
  readonly epoch: string
  /** Counts committed changes; `0` is before the first one. */
  readonly offset: number
}

/**
 * One incarnation of the log: it began right after offset `firstOffset - 1` and ends where the next one begins.
 *
 * Only those in which something was written need be kept: see {@link nameEpoch}.
 */
export interface EpochRange {
  readonly epoch: string
  readonly firstOffset: number
}

const EPOCH_NAME = /^(\w{1,31})(?:-\w{1,31})?$/

/**
 * The name of an epoch that begins where `empty` did, in which nothing was written and whose place among the ranges it takes;
 * `null`: `empty` cannot be replaced. `own` is a random name of up to 31 letters, digits and `_`, as one has that replaces none.
 *
 * Both names begin alike, so that a position of the epoch that is gone is still recognised by {@link holdsPosition}: it
 * stands where both began.
 */
export function nameEpoch(own: string, empty: string): string | null {
  const start = startOf(empty)
  return start === null ? null : `${start}-${own}`
}

/** True when an epoch has the name `own`, whether it replaced another or not. */
export function isEpochNamed(epoch: string, own: string): boolean {
  return epoch === own || epoch.endsWith(`-${own}`)
}

/** What the names of all epochs share that began at one place of one history; `null` when the name tells nothing of it. */
function startOf(epoch: string): string | null {
  return EPOCH_NAME.exec(epoch)?.[1] ?? null
}

/** True when both name the same place of the same history. */
export function isSamePosition(a: Position, b: Position): boolean {
  return a.epoch === b.epoch && a.offset === b.offset
}

/**
 * Negative when `a` is before `b`, zero when they are level, positive when after.
 *
 * Offsets keep rising across epochs of one history, so they alone decide. Ask {@link holdsPosition} first whether a
 * foreign position is on this history at all.
 */
export function comparePositions(a: Position, b: Position): number {
  return a.offset - b.offset
}

/** True when a reader at `position` has already seen what stands at `of`. */
export function hasReached(position: Position, of: Position): boolean {
  return position.offset >= of.offset
}

/**
 * True when `position` lies on the history described by `epochs` (oldest first) and not beyond `headOffset`.
 *
 * A position holds when its epoch is known and its offset lies within it. The offset before an epoch's first belongs
 * to that epoch too: it is where a reader stands that subscribed before anything was written in it. Of an epoch that was
 * replaced by another before anything was written in it, that offset alone holds.
 */
export function holdsPosition(
  epochs: readonly EpochRange[],
  headOffset: number,
  position: Position,
): boolean {
  const index = epochs.findIndex((range) => range.epoch === position.epoch)
  const range = epochs[index]
  if (range === undefined) return isWhereOneBegan(epochs, position)
  const next = epochs[index + 1]
  const lastOffset = next === undefined ? headOffset : next.firstOffset - 1
  return position.offset >= range.firstOffset - 1 && position.offset <= lastOffset
}

/** Of an epoch that was replaced nothing was written: its readers stand where it began, or on a history that was lost. */
function isWhereOneBegan(epochs: readonly EpochRange[], { epoch, offset }: Position): boolean {
  const start = startOf(epoch)
  return (
    start !== null &&
    epochs.some((range) => range.firstOffset - 1 === offset && startOf(range.epoch) === start)
  )
}

/**
 * True when `position` must lie on the history that `from` and `to` lie on: it is `from`, or stands between them in the
 * epoch of both. False says nothing.
 */
export function liesBetween(position: Position, from: Position, to: Position): boolean {
  if (isSamePosition(position, from)) return true
  const isOneEpoch = position.epoch === from.epoch && position.epoch === to.epoch
  return isOneEpoch && hasReached(position, from) && hasReached(to, position)
}

/** The last multiple of `step` offsets not after `position`; whether its epoch reaches so far back is not known. */
export function floorPosition(position: Position, step: number): Position {
  return { epoch: position.epoch, offset: position.offset - (position.offset % step) }
}

/** `epoch:offset`, as the `DNR-Position` header carries it. */
export function formatPosition(position: Position): string {
  return `${position.epoch}:${position.offset}`
}

const POSITION_TEXT = /^([\w-]{1,64}):(\d{1,16})$/

/** The position written by {@link formatPosition}, or why the text is none. */
export function parsePosition(text: string): Parsed<Position> {
  const match = text.length <= 81 ? POSITION_TEXT.exec(text) : null
  if (match === null)
    return err('bad_message', `"${text.slice(0, 40)}" is not a position: expected EPOCH:OFFSET.`)
  return readPosition({ epoch: match[1], offset: Number(match[2]) })
}

/** A position from untrusted JSON: `{ epoch: 1–64 characters of [A-Za-z0-9_-], offset: safe integer ≥ 0 }`. */
export function readPosition(value: unknown): Parsed<Position> {
  if (typeof value !== 'object' || value === null)
    return err('bad_message', 'A position is { epoch, offset }.')
  const { epoch, offset } = value as { epoch?: unknown; offset?: unknown }
  if (typeof epoch !== 'string' || !/^[\w-]{1,64}$/.test(epoch)) {
    return err('bad_message', 'position.epoch must be 1 to 64 letters, digits, "_" or "-".')
  }
  if (!Number.isSafeInteger(offset) || (offset as number) < 0) {
    return err('bad_message', 'position.offset must be a whole number, 0 or more.')
  }
  return ok({ epoch, offset: offset as number })
}
