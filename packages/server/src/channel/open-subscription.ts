// How an installed, muted subscription becomes live without a gap and without a double:
//
//   1 installed, muted: what the bus delivers collects
//   2 the rows (snapshot) or the log after the asked position (resume) are read and sent
//   3 what collected beyond that is sent, and the subscription is live
//
// Too much collected → it is let go, and the log is read further instead. The log no longer reaches back, or a rule has taken a row
// away without an event in it → from the start.
// Without rows there is no log: what was let go is lost. Rights that change in step 2 make of step 3 a difference: catch-up.ts.
import { DnrError, hasReached, type Position } from '@dnr/protocol'
import type { MaybePromise } from '../policy/maybe-promise.ts'
import { answerSubscribe } from './answer-subscribe.ts'
import { endOpening, isOpen } from './channel-registry.ts'
import { beginCollecting } from './collecting.ts'
import { entityOf } from './entities.ts'
import type { OpeningContext } from './opening-context.ts'
import { goLive, type Opened, replay } from './replay.ts'
import { sendSnapshot } from './send-snapshot.ts'
import { type Attempt, isAboutRows, type SubscribeRequest, type Subscription } from './subscription.ts'
import { endUnderway, hasOtherRights } from './underway.ts'

/** Times that the log may be trimmed under a reader, or rules take rows away from it, before it is told so. */
const MAX_STARTS = 3

/** `outdated`: the rows have been sent, not all of them by the rights of today; the attempt knows which. */
export type Read = Opened | 'outdated'

/** Can it go live at once? Nothing was asked for that has to be read, or the position asked for is where we are. */
export function opensAtOnce({ request }: Attempt, position: Position | null): boolean {
  if (!isAboutRows(request.channel)) return true
  if (request.position === undefined) return request.snapshot !== true
  return newestRead(request) === undefined && isAtHead(request.position, position)
}

/** What the rows of who resumes may be as new as, when that is beyond the position. */
function newestRead({ position, readTo }: SubscribeRequest): Position | undefined {
  return position && readTo && !hasReached(position, readTo) ? readTo : undefined
}

/** Is it exactly what the bus has delivered? */
export function isAtHead(asked: Position | undefined, head: Position | null): boolean {
  return asked !== undefined && head !== null && asked.epoch === head.epoch && asked.offset === head.offset
}

/**
 * Reads, sends and unmutes. Rejects when a store or the log fails; the caller answers and removes the subscription.
 */
export async function openByReading(
  attempt: Attempt,
  subscription: Subscription,
  context: OpeningContext,
): Promise<Read> {
  const { request } = attempt
  const readTo = newestRead(request)
  const isLost = readTo !== undefined && !(await isOnHistory(subscription, readTo, context))
  let position = isLost ? undefined : request.position
  for (let start = 0; start < MAX_STARTS; start++) {
    if (position !== undefined) {
      const asked = position
      const announce = (): void =>
        answerSubscribe(subscription, attempt, { position: asked, recovered: true, part: null }, context)
      const replayed = await replay(subscription, asked, { announce, shownTo: readTo ?? asked }, context)
      if (replayed !== 'lost') return replayed
      position = undefined
    }
    const known = entityOf(subscription.group, context.entities)
    if (request.snapshot !== true || known === undefined || known.store === null)
      return openBare(attempt, subscription, context)
    // What has collected is in the rows that are read from here on.
    if (subscription.opening !== null) beginCollecting(subscription, subscription.opening)
    const from = await sendSnapshot(attempt, subscription, { ...known, store: known.store }, context)
    if (from === null) return 'superseded'
    if (hasOtherRights(attempt)) return 'outdated'
    endUnderway(attempt)
    context.flush(subscription.group.channel)
    const isComplete = subscription.opening?.overflowed === false
    const replayed = isComplete
      ? goLive(subscription, from, context)
      : await replay(subscription, from, { announce: null, shownTo: null }, context)
    if (replayed !== 'lost') return replayed
  }
  throw new DnrError(
    'busy',
    'The change log is trimmed, or rules take rows away, faster than this subscription can read: subscribe again later.',
    { retryable: true },
  )
}

/** From now on: whatever collected is before the position that is announced. */
function openBare(attempt: Attempt, subscription: Subscription, context: OpeningContext): Opened {
  context.flush(subscription.group.channel)
  answerSubscribe(
    subscription,
    attempt,
    { position: context.position(), recovered: false, part: null },
    context,
  )
  endOpening(subscription)
  return 'live'
}

/** Asked in turn; `true` also of somebody who has gone meanwhile. */
function isOnHistory(
  subscription: Subscription,
  position: Position,
  { turns, reader }: OpeningContext,
): MaybePromise<boolean> {
  return turns.run(
    () => !isOpen(subscription) || reader.holds(subscription.group, position),
    () => 0,
  )
}
