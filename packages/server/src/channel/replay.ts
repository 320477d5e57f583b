// What a subscription has missed, from the log, and then live without a gap and without a double. Comes from open-subscription.ts
// and catch-up.ts; history-reader.ts reads.
import { hasReached, type Position } from '@dnr/protocol'
import { type MaybePromise, whenReady } from '../policy/maybe-promise.ts'
import { endOpening, holdUntil, isOpen } from './channel-registry.ts'
import { restartCollecting } from './collecting.ts'
import { type GoneRows, passGone, tellsOfGone } from './gone-rows.ts'
import type { OpeningContext } from './opening-context.ts'
import type { ReplayPage, Tail } from './replay-page.ts'
import { drained, isAboveHalf } from './room-to-send.ts'
import { noteReader } from './rows-ahead.ts'
import { wasTakenAfter } from './shown-rows.ts'
import type { Collected, Group, Opening, Subscription } from './subscription.ts'
import { tellUnsettled } from './tell-rights.ts'

/** `superseded`: unsubscribed, replaced or gone meanwhile, and nothing more is to be said. */
export type Opened = 'live' | 'superseded'
/** `lost`: the log does not reach back, or does not tell all that has changed for the group. */
export type Replayed = Opened | 'lost'

/**
 * The log after a position, in pages, then live. `announce` is called once it is known that the log holds. Of the rows that the
 * reader has none is newer than `shownTo`; `null`: any may be, and have been judged here.
 */
export async function replay(
  subscription: Subscription,
  from: Position,
  options: { announce: (() => void) | null; shownTo: Position | null },
  context: OpeningContext,
): Promise<Replayed> {
  const { shownTo } = options
  let { announce } = options
  let after = from
  let pages = 0
  let tail: Tail | null = null
  const gone = new Set<string>()
  let lookedAt = 0
  let isUnsettled = false
  for (;;) {
    const { opening } = subscription
    if (opening === null) return 'superseded'
    // Before it is read: who does not read has nothing waiting but what is on its way.
    if (isAboveHalf(subscription.connection, context) && !(await drained(subscription, context)))
      return 'superseded'
    const readPage = (): MaybePromise<ReplayPage | null> => {
      // Whoever has gone while it waited leaves nothing behind that the group would keep.
      if (!isOpen(subscription)) return null
      const { shown } = subscription.group
      if (after === from && shown !== null && wasTakenAfter(shown, after)) return { holds: false }
      // What was let go has been committed, so this read finds it; what comes from here on collects again.
      restartCollecting(opening)
      const isAhead = shownTo === null || !hasReached(after, shownTo)
      const { group } = subscription
      if (isUnsettled) return context.reader.page(group, after, false, gone)
      return pageFor(group, after, isAhead ? null : gone, context)
    }
    // What is at hand needs no promise.
    const reading = context.turns.run(readPage, pageBytes, pages++)
    const page = reading instanceof Promise ? await reading : reading
    if (page === null || !isOpen(subscription)) return 'superseded'
    if (!page.holds || opening.isOutdated) return 'lost'
    announce?.()
    announce = null
    tellOfDoubt(subscription, opening, context)
    const { opensWith } = page
    if (tail !== null && (opensWith !== null || !page.isCut)) {
      context.send(subscription.connection, tail.frame(opensWith === tail.transaction))
      tail = null
    }
    subscription.isApart ||= page.isApart || (shownTo !== null && subscription.group.doubt !== null)
    for (const run of page.runs) {
      if (isAboveHalf(subscription.connection, context) && !(await drained(subscription, context)))
        return 'superseded'
      context.sendRun(subscription.connection, run)
    }
    tail = page.tail ?? tail
    passGone(gone, page.events, page.gone)
    if (page.gone.size > 0) lookedAt = page.madeAt
    after = page.position
    // What has made a row go may stand behind what was read before anybody looked for the row: it is read now.
    isUnsettled = !page.more && gone.size > 0 && page.readAt <= lookedAt
    if (page.more || isUnsettled) continue
    context.flush(subscription.group.channel)
    if (!opening.overflowed) return goLive(subscription, after, context)
  }
}

/** `gone`: what the reader does not have, though it was visible after the position; `null`: it may have rows that are newer. */
function pageFor(
  group: Group,
  after: Position,
  gone: GoneRows | null,
  { reader }: OpeningContext,
): MaybePromise<ReplayPage> {
  return whenReady(reader.page(group, after, gone === null), (page) =>
    gone !== null && page.holds && tellsOfGone(gone, page.events)
      ? reader.page(group, after, false, gone)
      : page,
  )
}

function pageBytes(page: ReplayPage | null): number {
  return page?.holds === true ? page.runs.reduce((bytes, run) => bytes + run.byteLength, 0) : 0
}

/** Sends what collected after `from` and unmutes, in one go: nothing can come between. The channel has been flushed. */
export function goLive(subscription: Subscription, from: Position | null, context: OpeningContext): Replayed {
  const { opening, connection } = subscription
  if (opening === null) return 'superseded'
  if (isOutdated(opening, from)) return 'lost'
  tellOfDoubt(subscription, opening, context)
  for (const { frame, position } of opening.buffered) {
    if (position === null || from === null || !hasReached(from, position)) context.send(connection, frame)
    else subscription.isApart = true
  }
  const { shown } = subscription.group
  if (shown !== null) noteReader(shown, subscription)
  const delivered = context.position()
  if (delivered === null || from === null || hasReached(delivered, from)) endOpening(subscription)
  else holdUntil(subscription, from)
  return 'live'
}

/** Has it read past a row that was taken away, of which the log says nothing? */
function isOutdated(opening: Opening, from: Position | null): boolean {
  const isPast = ({ position, isTaken }: Collected): boolean =>
    isTaken && position !== null && from !== null && hasReached(from, position)
  return opening.isOutdated || opening.buffered.some(isPast)
}

/** Before its client moves on: the rows that it has by then need not be all that its rights show. */
function tellOfDoubt(subscription: Subscription, opening: Opening, context: OpeningContext): void {
  if (subscription.group.doubt === null || opening.knowsDoubt) return
  opening.knowsDoubt = true
  tellUnsettled(subscription, context)
}
