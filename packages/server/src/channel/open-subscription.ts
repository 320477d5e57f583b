// How an installed, muted subscription becomes live without a gap and without a double:
//
//   1 installed, muted: what the bus delivers collects
//   2 the rows (snapshot) or the log after the asked position (resume) are read and sent
//   3 what collected beyond that is sent, and the subscription is live
//
// Too much collected → it is let go, and the log is read further instead. The log no longer reaches back → from the start.
// Without rows there is no log: what was let go is lost. Rights that change in step 2 make of step 3 a difference: catch-up.ts.
import { type Clock, DnrError, hasReached, type Position } from '@dnr/protocol'
import { type Connection, isLive } from '../connection/connection.ts'
import type { Grant } from '../policy/grant.ts'
import type { MaybePromise } from '../policy/maybe-promise.ts'
import type { Frame, FrameRun } from '../ports/server-socket.ts'
import { endOpening, holdUntil, isInstalled } from './channel-registry.ts'
import { isWellKnown, rightsOfMember } from './doubt.ts'
import { restartCollecting } from './collecting.ts'
import { entityOf, type KnownEntity } from './entities.ts'
import type { HistoryReader } from './history-reader.ts'
import type { ReplayPage } from './replay-page.ts'
import { showRow } from './shown-rows.ts'
import {
  readSnapshot,
  type ReadingContext,
  type SnapshotPart,
  type SnapshotReader,
  type StoredEntity,
  snapshotFrame,
  subscribedFrame,
} from './snapshot-frames.ts'
import {
  type Attempt,
  type ChannelEntry,
  isAboutRows,
  type Opening,
  type SubscribeRequest,
  type Subscription,
} from './subscription.ts'
import { tellUnsettled } from './tell-rights.ts'
import { inTurns, pause, type Turns } from './turns.ts'
import { beginSnapshot, byTodaysRights, endUnderway, hasOtherRights } from './underway.ts'

/** What opening needs of the server. */
export interface OpeningContext extends ReadingContext {
  readonly clock: Clock
  readonly reader: HistoryReader
  readonly entities: ReadonlyMap<string, KnownEntity>
  readonly maxQueueBytes: number
  /** Those who read share them. */
  readonly turns: Turns
  send(connection: Connection, frame: Frame): void
  sendRun(connection: Connection, run: FrameRun): void
  /** Tells at once what a channel above its limit holds back: from then on `position` is true for it, too. */
  flush(entry: ChannelEntry): void
  /** Names what a connection may see on a channel. */
  rightsOf(connection: Connection, grant: Grant | null, channel: string): string
  /** Ends a connection whose peer does not read. */
  closeSlow(connection: Connection): void
}

/** Times that the log may be trimmed under a reader before it is told so. */
const MAX_STARTS = 3
/** Rows of a snapshot are read and encoded for one reader: a byte of them is as much work as this many of a replay. */
const SNAPSHOT_WEIGHT = 4
const DRAIN_POLL_MS = 10
/** A peer that takes nothing for so long does not read. */
const DRAIN_LIMIT_MS = 30_000

/** `superseded`: unsubscribed, replaced or gone meanwhile, and nothing more is to be said. */
export type Opened = 'live' | 'superseded'
/** `outdated`: the rows have been sent, not all of them by the rights of today; the attempt knows which. */
export type Read = Opened | 'outdated'
/** `lost`: the log does not reach back. */
export type Replayed = Opened | 'lost'

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
        answer(subscription, attempt, { position: asked, recovered: true, part: null }, context)
      const replayed = await replay(subscription, asked, { announce, shownTo: readTo ?? asked }, context)
      if (replayed !== 'lost') return replayed
      position = undefined
    }
    const known = entityOf(subscription.group, context.entities)
    if (request.snapshot !== true || known === undefined || known.store === null)
      return openBare(attempt, subscription, context)
    const from = await sendSnapshot(attempt, subscription, { ...known, store: known.store }, context)
    if (from === null) return 'superseded'
    if (hasOtherRights(attempt)) return 'outdated'
    endUnderway(attempt)
    context.flush(subscription.group.channel)
    if (subscription.opening?.overflowed === false) return goLive(subscription, from, context)
    const replayed = await replay(subscription, from, { announce: null, shownTo: null }, context)
    if (replayed !== 'lost') return replayed
  }
  throw new DnrError(
    'busy',
    'The change log is trimmed faster than this subscription can read it: subscribe again later.',
    { retryable: true },
  )
}

/** From now on: whatever collected is before the position that is announced. */
function openBare(attempt: Attempt, subscription: Subscription, context: OpeningContext): Opened {
  context.flush(subscription.group.channel)
  answer(subscription, attempt, { position: context.position(), recovered: false, part: null }, context)
  endOpening(subscription)
  return 'live'
}

/** The rows, in parts; resolves with the position that the log is to be replayed from, or `null` when superseded. */
async function sendSnapshot(
  attempt: Attempt,
  { connection, group }: Subscription,
  known: StoredEntity,
  context: OpeningContext,
): Promise<Position | null> {
  const underway = beginSnapshot(group, known)
  attempt.underway = underway
  const reader: SnapshotReader = {
    judge: (use) =>
      byTodaysRights(connection, attempt, (own) => ({ ...use(own.group), changes: underway.changes })),
    // Who sees all still does, or would not go on here.
    isTrue: ({ changes }) => underway.before.shown === null || changes === underway.changes,
  }
  // Before a part is made, so that it need not wait afterwards, when rights may change.
  if (!(await hasDrained(connection, attempt, context))) return null
  const parts = readSnapshot(group, reader, known, context)
  for await (const part of inTurns(parts, context.turns, ({ rows }) => rows.length * SNAPSHOT_WEIGHT)) {
    while (underway.asked !== null) await underway.asked
    const { subscription } = attempt
    if (subscription === null || !isOpen(subscription)) return null
    const { shown } = underway.before
    const said = reader.isTrue(part) ? part : { ...part, rows: '', ids: [] }
    for (const id of said.ids) if (shown !== null) showRow(shown, id)
    if (underway.sentTo === null)
      answer(subscription, attempt, { position: part.position, recovered: false, part: said }, context)
    else context.send(connection, snapshotFrame(subscription.group, said, context.clock.now()))
    underway.sentTo = part.position
    if (part.more && !(await hasDrained(connection, attempt, context))) return null
  }
  return underway.sentTo
}

/** Waits until the peer has room, whatever becomes of its rights meanwhile; `false`: superseded, or it does not read. */
async function hasDrained(
  connection: Connection,
  attempt: Attempt,
  context: OpeningContext,
): Promise<boolean> {
  for (;;) {
    const subscription = await byTodaysRights(connection, attempt, (own) => own)
    if (subscription === null) return false
    if (await drained(subscription, context)) return true
    // Its rights are asked about, or have been.
    if (attempt.underway?.asked === null && attempt.subscription === subscription) return false
  }
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
  for (;;) {
    const { opening } = subscription
    if (opening === null) return 'superseded'
    // Before it is read: who does not read has nothing waiting but what is on its way.
    if (isAboveHalf(subscription.connection, context) && !(await drained(subscription, context)))
      return 'superseded'
    const readPage = (): MaybePromise<ReplayPage | null> => {
      // Whoever has gone while it waited leaves nothing behind that the group would keep.
      if (!isOpen(subscription)) return null
      // What was let go has been committed, so this read finds it; what comes from here on collects again.
      restartCollecting(opening)
      const isAhead = shownTo === null || !hasReached(after, shownTo)
      return context.reader.page(subscription.group, after, isAhead)
    }
    // What is at hand needs no promise.
    const reading = context.turns.run(readPage, pageBytes, pages++)
    const page = reading instanceof Promise ? await reading : reading
    if (page === null || !isOpen(subscription)) return 'superseded'
    if (!page.holds) return 'lost'
    announce?.()
    announce = null
    tellOfDoubt(subscription, opening, context)
    subscription.isUnsure ||= shownTo !== null && !isWellKnown(subscription.group)
    for (const run of page.runs) {
      if (isAboveHalf(subscription.connection, context) && !(await drained(subscription, context)))
        return 'superseded'
      context.sendRun(subscription.connection, run)
    }
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

function answer(
  subscription: Subscription,
  attempt: Attempt,
  said: { position: Position | null; recovered: boolean; part: SnapshotPart | null },
  context: OpeningContext,
): void {
  const { connection, group } = subscription
  const { quiet, grant } = attempt.request
  // A second answer (the log was trimmed in the middle of the replay) was not asked for: the client takes it as anew.
  const requestId = attempt.isAnnounced ? undefined : attempt.request.requestId
  attempt.isAnnounced = true
  subscription.isUnsure = said.recovered && !isWellKnown(group)
  if (subscription.opening !== null) subscription.opening.knowsDoubt = group.doubt !== null
  if (quiet === true) return
  const rights = grant === undefined ? null : rightsOfMember(subscription, context)
  context.send(connection, subscribedFrame(group, { ...said, grant: rights, requestId }, context.clock.now()))
}

function isOpen(subscription: Subscription): boolean {
  return isInstalled(subscription) && isLive(subscription.connection)
}

function isAboveHalf({ socket }: Connection, { maxQueueBytes }: OpeningContext): boolean {
  return socket.bufferedBytes > maxQueueBytes / 2
}

/** Waits until the peer has read half of what waits for it; `false`: superseded, or it does not read. */
async function drained(subscription: Subscription, context: OpeningContext): Promise<boolean> {
  const { connection } = subscription
  let leastBytes = Number.POSITIVE_INFINITY
  for (let waitedMs = 0; isAboveHalf(connection, context); waitedMs += DRAIN_POLL_MS) {
    if (connection.socket.bufferedBytes < leastBytes) {
      leastBytes = connection.socket.bufferedBytes
      waitedMs = 0
    }
    if (waitedMs >= DRAIN_LIMIT_MS) {
      context.closeSlow(connection)
      return false
    }
    await pause(context.clock, DRAIN_POLL_MS)
    if (!isOpen(subscription)) return false
  }
  return isOpen(subscription)
}
