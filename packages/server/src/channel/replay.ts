// What a subscription has missed, from the log, and then live without a gap and without a double. Comes from open-subscription.ts
// and catch-up.ts; history-reader.ts reads.
import { hasReached, type Position } from '@dnr/protocol'
import { type MaybePromise, whenReady } from '../policy/maybe-promise.ts'
import { endOpening, holdUntil, isOpen } from './channel-registry.ts'
import { restartCollecting } from './collecting.ts'
import { passGone, tellsOfGone } from './gone-rows.ts'
import type { OpeningContext } from './opening-context.ts'
import type { ReplayPage, Tail } from './replay-page.ts'
import { drained, isAboveHalf } from './room-to-send.ts'
import { wasTakenAfter } from './shown-rows.ts'
import type { Opening, Subscription } from './subscription.ts'
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
      if (shown !== null && wasTakenAfter(shown, after)) return { holds: false }
      // What was let go has been committed, so this read finds it; what comes from here on collects again.
      restartCollecting(opening)
      const isAhead = shownTo === null || !hasReached(after, shownTo)
      const { reader } = context
      const { group } = subscription
      return whenReady(reader.page(group, after, isAhead), (page) =>
        page.holds && !isAhead && tellsOfGone(gone, page.events)
          ? reader.page(group, after, false, gone)
          : page,
      )
    }
    // What is at hand needs no promise.
    const reading = context.turns.run(readPage, pageBytes, pages++)
    const page = reading instanceof Promise ? await reading : reading
    if (page === null || !isOpen(subscription)) return 'superseded'
    if (!page.holds) return 'lost'
    announce?.()
    announce = null
    tellOfDoubt(subscription, opening, context)
    const { opensWith } = page
    if (tail !== null && (opensWith !== null || !page.isCut)) {
      context.send(subscription.connection, tail.frame(opensWith === tail.transaction))
      tail = null
    }
    subscription.isUnsure ||= shownTo !== null && subscription.group.doubt !== null
    for (const run of page.runs) {
      if (isAboveHalf(subscription.connection, context) && !(await drained(subscription, context)))
        return 'superseded'
      context.sendRun(subscription.connection, run)
    }
    tail = page.tail ?? tail
    passGone(gone, page.events, page.gone)
    after = page.position
    if (!page.more) context.flush(subscription.group.channel)
    if (!page.more && !opening.overflowed) return goLive(subscription, after, context)
  }
}

function pageBytes(page: ReplayPage | null): number {
  return page?.holds === true ? page.runs.reduce((bytes, run) => bytes + run.byteLength, 0) : 0
}

/** Sends what collected after `from` and unmutes, in one go: nothing can come between. The channel has been flushed. */
export function goLive(subscription: Subscription, from: Position | null, context: OpeningContext): Opened {
  const { opening, connection } = subscription
  if (opening === null) return 'superseded'
  tellOfDoubt(subscription, opening, context)
  for (const { frame, position } of opening.buffered) {
    if (position === null || from === null || !hasReached(from, position)) context.send(connection, frame)
    else subscription.wasAhead = true
  }
  const delivered = context.position()
  if (delivered === null || from === null || hasReached(delivered, from)) endOpening(subscription)
  else holdUntil(subscription, from)
  return 'live'
}

/** Before its client moves on: the rows that it has by then need not be all that its rights show. */
function tellOfDoubt(subscription: Subscription, opening: Opening, context: OpeningContext): void {
  if (subscription.group.doubt === null || opening.knowsDoubt) return
  opening.knowsDoubt = true
  tellUnsettled(subscription, context)
}
