// Rights changed while somebody listens. Holds nothing between two changes; says who goes on, with which difference, and
// who does not. Comes from the application (`invalidate`) or a renewed session; next: rights-difference.ts.
//
//   live ─muted at once→ asked again ─no→ ended, `forbidden`
//                             ├─the same rights→ what collected, live; or the log, if too much did: read-on.ts
//                             └─others→ the difference · the log since then · what collected · live
//                                          └─not to be told exactly→ `unsubscribed`: the client asks anew
//
// Who is still being opened is opened anew if nothing has been sent yet; who has been sent something goes on with it: catch-up.ts.
// A channel without rows has no difference to tell: when rights change while it is asked about, it is asked about once more and
// stays muted; and so it is when its rule fails, with back-off, also for somebody who asks for the channel once more. Plugins'
// messages wait for the answer.
import type { Position } from '@dnr/protocol'
import { type Connection, isLive, principalOf } from '../connection/connection.ts'
import type { FanOut } from '../connection/fan-out.ts'
import { type Refusal, refusedBy } from '../connection/refusal.ts'
import { checkQuery } from '../policy/check-query.ts'
import type { Grant } from '../policy/grant.ts'
import { type MaybePromise, whenReady } from '../policy/maybe-promise.ts'
import type { Authorization } from './authorize-channel.ts'
import { beginOwnAttempt, endAttempt, isCurrent, newAttempt } from './attempt.ts'
import { isInstalled, mute } from './channel-registry.ts'
import { createListenerDoubt, type ListenerDoubt } from './listener-doubt.ts'
import type { Affected } from './affected.ts'
import { type CatchUp, type CatchUpContext, createCatchUp } from './catch-up.ts'
import type { ReadOn } from './read-on.ts'
import { goLive } from './replay.ts'
import {
  type Before,
  beginAnew,
  createDifferences,
  decidesAlike,
  type Differences,
  rememberGroup,
} from './rights-difference.ts'
import { isKnownTo } from './rows-ahead.ts'
import {
  type Attempt,
  type ChannelEntry,
  type Group,
  type Subscription,
  type SubscribeRequest,
  type SubscribeResult,
} from './subscription.ts'
import { tellRights } from './tell-rights.ts'
import { beginDifference } from './underway.ts'

export interface RecheckContext extends CatchUpContext {
  readonly random: () => number
  readonly fanOut: Pick<FanOut, 'flush'>
  readonly readOn: ReadOn
  pursue(connection: Connection, attempt: Attempt): MaybePromise<SubscribeResult>
  onRechecked(connection: Connection, entry: ChannelEntry): void
}

/** A subscription under recheck. */
interface Recheck {
  readonly subscription: Subscription
  readonly attempt: Attempt
  readonly before: Before
  /** Everything up to here has been sent to it. */
  readonly sentTo: Position | null
  /** Can the difference be told? Not to who came with rows that are not known here, nor to who is ahead of the others. */
  readonly isExact: boolean
}

/** The server asks whether subscriptions may go on. */
export interface Rechecks {
  /** Rights have changed: resolves when it is known what comes of everybody affected, or that nobody knows for now. */
  recheck(affected: Affected): Promise<void>
  /**
   * Nobody knows just now whether a subscription without rows may go on: it is muted, and asked about later. `joined` wait for
   * the answer, which resolves this; never rejects.
   */
  doubt(subscription: Subscription, joined: readonly SubscribeRequest[]): MaybePromise<SubscribeResult>
  readonly catchUp: CatchUp['catchUp']
}

export function createRechecks(context: RecheckContext): Rechecks {
  const { registry, clock, endings } = context
  const { askAgain, catchUp } = createCatchUp(context)

  /** From this moment nothing goes out that was judged by the rights of before. */
  const suspend = (subscription: Subscription, befores: Map<Group, Before>): Recheck => {
    const { group, opening } = subscription
    const toldTo = group.channel.held?.toldTo ?? context.position()
    const before = befores.get(group) ?? rememberGroup(group, toldTo)
    befores.set(group, before)
    before.suspended++
    // What others of the group read was judged by the rights of before.
    group.reading = null
    const sentTo = opening?.readTo ?? toldTo
    mute(subscription)
    const attempt = beginOwnAttempt(subscription)
    attempt.doubt = doubtOf(subscription)
    // What its group is known to be shown is by then part of a transaction that it has not been sent.
    const isKnown = !subscription.isApart && (group.shown === null || isKnownTo(group.shown, subscription))
    const isExact = isKnown && opening === null && registry.passing === null
    return { subscription, attempt, before, sentTo, isExact }
  }

  /** The one that a muted subscription without rows has as long as it is muted. */
  const doubtOf = ({ group, opening }: Subscription): ListenerDoubt | null => {
    if (group.grant !== null || opening === null) return null
    return (opening.doubt ??= createListenerDoubt(clock, context.random))
  }

  /** Without rows there is nothing that it would have to be told anew: it waits for the answer, and its plugin sees no end. */
  const silence = (replaced: Subscription): void => {
    if (replaced.group.grant !== null) {
      const attempt = replaced.connection.attempts?.get(replaced.key)
      if (attempt !== undefined) attempt.hasEnded = true
      return endings.remove(replaced)
    }
    mute(replaced)
    doubtOf(replaced)
  }

  const restart = (
    connection: Connection,
    attempt: Attempt,
    differences: Differences,
  ): MaybePromise<unknown> => {
    if (!isCurrent(connection, attempt)) return undefined
    if (attempt.doubt !== null) {
      if (!attempt.doubt.wake()) attempt.isOutdated = true
      return Promise.race([attempt.result, attempt.doubt.failed])
    }
    if (attempt.isAnnounced) {
      if (attempt.underway === null) return endings.askAnew(connection, attempt)
      askAgain(connection, attempt, attempt.underway, differences)
      // A snapshot takes as long as its reader likes.
      return attempt.isRecheck ? attempt.result : attempt.underway.asked
    }
    const again = newAttempt(attempt.key, attempt.request)
    again.joined = attempt.joined
    again.hasEnded = attempt.hasEnded
    again.isHeardOf = attempt.isHeardOf
    // Where its rule fails, what it would have replaced is in doubt.
    const failed = connection.subscriptions?.get(attempt.key)?.opening?.doubt?.failed
    attempt.restarted = context.pursue(connection, again)
    return failed === undefined ? attempt.restarted : Promise.race([attempt.restarted, failed])
  }

  const refuse = ({ subscription, attempt }: Recheck, refusal: Refusal): void => {
    const { connection } = subscription
    endAttempt(connection, attempt)
    endings.refuseAndEnd(connection, attempt, refusal)
  }

  /** Nothing changed for it. */
  const goOn = ({ subscription, attempt, sentTo }: Recheck): MaybePromise<void> => {
    const { connection, group } = subscription
    context.flush(group.channel)
    // Some of what collected meanwhile is no longer there. Words are lost then, and nobody has to leave for that.
    if (group.grant !== null && subscription.opening?.overflowed === true)
      return readFurther(subscription, attempt, sentTo)
    if (goLive(subscription, sentTo, context) === 'lost') return endings.askForRows(connection, attempt)
    endAttempt(connection, attempt)
    tellRights(subscription, context)
    if (group.grant === null) context.onRechecked(connection, group.channel)
  }

  const readFurther = async (
    subscription: Subscription,
    attempt: Attempt,
    sentTo: Position | null,
  ): Promise<void> => {
    if (sentTo === null) return endings.askForRows(subscription.connection, attempt)
    if ((await context.readOn.read(subscription, attempt, sentTo)) === 'installed')
      tellRights(subscription, context)
  }

  const isStillAsked = ({ subscription, attempt }: Recheck): boolean =>
    isCurrent(subscription.connection, attempt) && isInstalled(subscription)

  const decide = (
    recheck: Recheck,
    authorization: Authorization,
    differences: Differences,
  ): MaybePromise<void> => {
    const { attempt, before } = recheck
    if (!isStillAsked(recheck)) return undefined
    attempt.isAsked = false
    if (authorization === null || authorization === 'unknown')
      return refuse(recheck, refusedBy(authorization))
    const { grant } = authorization
    if (grant === null || decidesAlike(grant, before)) return goOn(recheck)
    const { where } = attempt.request
    const checked = where === undefined ? null : checkQuery(grant, where)
    if (checked !== null && !checked.ok)
      return refuse(recheck, { code: checked.code, message: checked.message })
    return move(recheck, grant, differences)
  }

  const move = async (recheck: Recheck, grant: Grant, differences: Differences): Promise<void> => {
    const { subscription, attempt } = recheck
    const { connection } = subscription
    // In this order, so that a group whose only member it is stays, with what is known of it.
    const moved = registry.install(connection, attempt.request, grant, true, subscription.isQuiet)
    registry.remove(subscription)
    attempt.subscription = moved
    attempt.underway = beginDifference(recheck, differences)
    if ((await catchUp(connection, attempt)) === 'live') endAttempt(connection, attempt)
  }

  /** Without rows nothing is lost by waiting: it stays, muted, and nobody is told that it has gone. */
  const askLater = async (recheck: Recheck, differences: Differences): Promise<void> => {
    if (!isStillAsked(recheck)) return undefined
    const isInTime = await recheck.attempt.doubt?.pause()
    if (!isStillAsked(recheck)) return undefined
    return isInTime === true ? ask(recheck, differences) : refuse(recheck, refusedBy('unknown'))
  }

  const ask = (recheck: Recheck, differences: Differences): MaybePromise<void> => {
    const { subscription, attempt } = recheck
    const { connection, group } = subscription
    const principal = principalOf(connection)
    attempt.isOutdated = false
    attempt.isAsked = true
    const answer = principal === null ? null : context.authorize(principal, group.channel.channel)
    return whenReady(answer, (authorization) => {
      if (attempt.isOutdated) return ask(recheck, differences)
      if (authorization === 'unknown' && attempt.doubt !== null) return askLater(recheck, differences)
      return decide(recheck, authorization, differences)
    })
  }

  const recheckOne = async (
    { subscription: { connection }, attempt }: Recheck,
    begin: () => MaybePromise<void>,
  ): Promise<SubscribeResult> => {
    try {
      await begin()
    } catch (error) {
      context.onError(error, 'a change of rights')
      if (isCurrent(connection, attempt)) endings.askAnew(connection, attempt)
    }
    const { subscription } = attempt
    return attempt.restarted ?? (subscription !== null && isInstalled(subscription) ? 'installed' : 'refused')
  }

  /** Resolves when it is known what comes of it, or that nobody knows for now. */
  const begin = (recheck: Recheck, differences: Differences): Promise<unknown> => {
    const { attempt } = recheck
    // The next time that its rule fails may be before this returns.
    const failed = attempt.doubt?.failed
    attempt.result = recheckOne(recheck, () => ask(recheck, differences))
    return failed === undefined ? attempt.result : Promise.race([attempt.result, failed])
  }

  const doubt: Rechecks['doubt'] = (subscription, joined) => {
    const recheck = suspend(subscription, new Map())
    const { attempt } = recheck
    attempt.joined = joined
    attempt.result = recheckOne(recheck, () => askLater(recheck, createDifferences(context)))
    return attempt.result
  }

  const recheckAll: Rechecks['recheck'] = async ({ subscriptions, attempts }) => {
    // What a transaction that is passing means to them may be another thing from now on.
    const reading = attempts.flatMap(({ attempt }) => attempt.subscription ?? [])
    for (const { group } of [...subscriptions, ...reading]) registry.passing?.judged.delete(group)
    const befores = new Map<Group, Before>()
    const opening = attempts.filter(({ connection, attempt }) => isCurrent(connection, attempt))
    // What they read is not looked at: they count no longer among those of their groups, and begin anew below.
    for (const { attempt } of opening)
      if (attempt.subscription !== null && attempt.doubt === null) registry.remove(attempt.subscription)
    const live = subscriptions.filter(
      (subscription) => isInstalled(subscription) && isLive(subscription.connection),
    )
    // What gathers was told by the rights of before.
    context.fanOut.flush()
    // Something else has been asked for under the same key, and will be answered by the rights of today.
    const [replaced, kept] = [live.filter(isBeingReplaced), live.filter((each) => !isBeingReplaced(each))]
    replaced.forEach(silence)
    const rechecks = kept.filter(isInstalled).map((subscription) => suspend(subscription, befores))
    // What is held back is told to the others now: those who are asked about collect it, and are sent it if they still may.
    for (const { group } of live) context.flush(group.channel)
    for (const before of befores.values()) beginAnew(before)
    const differences = createDifferences(context)
    const restarted = opening.map(({ connection, attempt }) => restart(connection, attempt, differences))
    try {
      const begun = rechecks.map((recheck) => begin(recheck, differences))
      await Promise.all([...begun, ...restarted])
    } finally {
      for (const { release } of befores.values()) release()
    }
  }

  return { recheck: recheckAll, doubt, catchUp }
}

function isBeingReplaced({ connection, key }: Subscription): boolean {
  return connection.attempts?.has(key) === true
}
