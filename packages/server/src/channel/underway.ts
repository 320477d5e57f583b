// A subscription that has been answered and is not live yet: what its client has by now. When rights change meanwhile this is not
// thrown away, but told the difference once all is sent. Held by the attempt; next: catch-up.ts.
import type { Position } from '@dnr/protocol'
import type { Connection } from '../connection/connection.ts'
import { isCurrent } from './attempt.ts'
import type { KnownEntity } from './entities.ts'
import type { Differences, ShownBefore } from './rights-difference.ts'
import { createShownRows } from './shown-rows.ts'
import type { Attempt, Group, Subscription } from './subscription.ts'

export interface Underway {
  /** What its client has been shown, and by which rights. */
  readonly before: ShownBefore
  /** What it was sent is true at this position; `null` before the first of it. */
  sentTo: Position | null
  /** Has its client been told that this is all there is? A part of a snapshot is not shown to anybody. */
  isWhole: boolean
  /** Can a difference be told? Not to who came with rows that are not known here, nor to who is ahead of the others. */
  readonly isExact: boolean
  /** How often rights have changed since: what was judged at another count does not go out. */
  changes: number
  /** Until it is installed again by the rights of today; `null` when it is. */
  asked: Promise<void> | null
  /** Those of the latest change of rights, for all whom it concerns; `null` before the first. */
  differences: Differences | null
  /** To be called when it is not needed any more. */
  release(): void
}

/** A snapshot is about to be sent. */
export function beginSnapshot(group: Group, { numbers }: KnownEntity): Underway {
  const { grant, shown } = group
  const sent = shown === null ? null : { ...createShownRows(numbers), isComplete: true }
  return {
    ...beginDifference(
      { before: { group, grant, shown: sent, doubt: null }, sentTo: null, isExact: true },
      null,
    ),
    isWhole: false,
    release: sent === null ? () => {} : numbers.hold(),
  }
}

/** A difference is about to be told to somebody who was live; what is known of that is held by whoever asks. */
export function beginDifference(
  { before, sentTo, isExact }: Pick<Underway, 'before' | 'sentTo' | 'isExact'>,
  differences: Differences | null,
): Underway {
  return { before, sentTo, isWhole: true, isExact, changes: 0, asked: null, differences, release() {} }
}

/** Have rights changed since the first of it was sent? */
export function hasOtherRights({ underway }: Attempt): boolean {
  return underway !== null && underway.changes > 0
}

/** What its client has is not known so well any more, or need not be. */
export function endUnderway(attempt: Attempt): void {
  attempt.underway?.release()
  attempt.underway = null
}

/** Calls `use` as soon as the rights of today are known, with the subscription that is installed by them; `null`: there is none any more. */
export async function byTodaysRights<Result>(
  connection: Connection,
  attempt: Attempt,
  use: (subscription: Subscription) => Result,
): Promise<Result | null> {
  // Whoever waits for a promise that says so goes on a little later, and rights may have changed by then.
  while (attempt.underway !== null && attempt.underway.asked !== null) await attempt.underway.asked
  const { subscription } = attempt
  return subscription !== null && isCurrent(connection, attempt) ? use(subscription) : null
}
