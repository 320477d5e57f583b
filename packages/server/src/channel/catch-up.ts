// Rights change, perhaps not for the first time, while a client is sent its rows or a difference is read for it. What it has stays;
// what follows is by the rights of today, and then the difference makes of the one the other. Comes from recheck.ts and subscribing.ts.
//
//   a snapshot is sent ─rights change→ asked again → the rest of it, by the rights of today ─┐
//   live, muted ──────────────────────────────────────────────────────────────────────────── difference → the log since then → live
//                                              rights change once more: compared anew with what it has ─┘
import type { Position } from '@dnr/protocol'
import { type Connection, principalOf } from '../connection/connection.ts'
import { type Refusal, refusedBy } from '../connection/refusal.ts'
import { checkQuery } from '../policy/check-query.ts'
import { endAttempt, isCurrent } from './attempt.ts'
import type { Authorization, AuthorizeChannel } from './authorize-channel.ts'
import type { ChannelRegistry } from './channel-registry.ts'
import { letCollectedGo } from './collecting.ts'
import { rightsOfMember } from './doubt.ts'
import type { Endings } from './endings.ts'
import type { OpeningContext } from './opening-context.ts'
import { type Opened, replay } from './replay.ts'
import type { Differences } from './rights-difference.ts'
import { snapshotFrame } from './snapshot-frames.ts'
import type { Attempt, Subscription } from './subscription.ts'
import { tellRights, tellUnsettled } from './tell-rights.ts'
import { byTodaysRights, endUnderway, type Underway } from './underway.ts'

export interface CatchUp {
  /** Rights have changed: asks for those of today. `differences`: those of all whom this change concerns. */
  askAgain(connection: Connection, attempt: Attempt, underway: Underway, differences: Differences): void
  /** Makes live what its client has been sent while rights changed; or lets it go, to be asked for anew. */
  catchUp(connection: Connection, attempt: Attempt): Promise<Opened>
}

export interface CatchUpContext extends OpeningContext {
  readonly registry: ChannelRegistry
  readonly authorize: AuthorizeChannel
  readonly endings: Endings
  onError(error: unknown, what: string): void
}

/** How often rights may change while they are asked about, or a difference is read, before its client is sent away to come back later. */
const MAX_PASSES = 5

export function createCatchUp(context: CatchUpContext): CatchUp {
  const { askAnew, askForRows, refuseAndEnd } = context.endings

  const refuse = (connection: Connection, attempt: Attempt, refusal: Refusal): void => {
    endAttempt(connection, attempt)
    refuseAndEnd(connection, attempt, refusal)
  }

  /** What has been sent of it stays: it is installed again when the rights of today are known. */
  const askAgain: CatchUp['askAgain'] = (connection, attempt, underway, differences) => {
    underway.changes++
    underway.differences = differences
    attempt.isAsked = true
    underway.asked ??= untilKnown(connection, attempt, underway)
  }

  const untilKnown = async (connection: Connection, attempt: Attempt, underway: Underway): Promise<void> => {
    // While nobody knows whether it goes on it is nowhere installed, where a gap would be told to it.
    const { gaps } = context.registry
    try {
      for (let asked = -1, pass = 0; asked !== underway.changes && isCurrent(connection, attempt); pass++) {
        // Rights that change faster than they can be asked about.
        if (pass === MAX_PASSES) return askAnew(connection, attempt)
        asked = underway.changes
        const principal = principalOf(connection)
        const { channel } = attempt.request
        const answer = await (principal === null ? null : context.authorize(principal, channel))
        if (!isCurrent(connection, attempt)) return
        if (gaps !== context.registry.gaps) return askAnew(connection, attempt)
        if (asked === underway.changes) installAgain(connection, attempt, underway, answer)
      }
    } catch (error) {
      context.onError(error, 'a change of rights')
      if (isCurrent(connection, attempt)) askAnew(connection, attempt)
    } finally {
      // At once: whoever changes rights now asks again.
      underway.asked = null
    }
  }

  const installAgain = (
    connection: Connection,
    attempt: Attempt,
    underway: Underway,
    answer: Authorization,
  ): void => {
    const { request } = attempt
    if (answer === null || answer === 'unknown') return refuse(connection, attempt, refusedBy(answer))
    const { grant } = answer
    // It was about rows before.
    if (grant === null) return askAnew(connection, attempt)
    const checked = request.where === undefined ? null : checkQuery(grant, request.where)
    if (checked !== null && !checked.ok)
      return refuse(connection, attempt, { code: checked.code, message: checked.message })
    // What follows has other fields than what has been sent of the snapshot.
    if (!attempt.isRecheck && grant.fieldsKey !== underway.before.grant?.fieldsKey)
      return askAnew(connection, attempt)
    // Of what somebody who sees all is sent no account is kept.
    if (!attempt.isRecheck && underway.before.grant?.seesAll === true && !grant.seesAll)
      return askAnew(connection, attempt)
    const subscription = context.registry.install(
      connection,
      request,
      grant,
      true,
      attempt.subscription?.isQuiet,
    )
    attempt.subscription = subscription
    attempt.isAsked = false
    // It has missed what came since: the log has it.
    if (subscription.opening !== null) letCollectedGo(subscription.opening)
  }

  /** The difference between what its client has and what its rights show today, what the log has had since, and live. */
  const catchUp: CatchUp['catchUp'] = async (connection, attempt) => {
    for (let pass = 0; pass < MAX_PASSES; pass++) {
      const { underway } = attempt
      if (underway === null) return 'superseded'
      const { before, sentTo, isExact, isWhole } = underway
      if (!isExact || sentTo === null) break
      const now = await byTodaysRights(connection, attempt, (subscription) => {
        const { group } = subscription
        const { changes, differences } = underway
        return { subscription, changes, age: group.shown?.age, read: differences?.of(before, group, sentTo) }
      })
      if (now === null) return 'superseded'
      const { subscription, changes, age } = now
      const { group } = subscription
      const difference = (await now.read) ?? null
      const readTo = isWhole ? null : ((await context.history?.head()) ?? null)
      if (!isCurrent(connection, attempt)) return 'superseded'
      // Rights have changed once more, be it those of others of the group: compared anew with what the client still has.
      if (changes !== underway.changes || (difference === null && age !== group.shown?.age)) continue
      if (difference === null) break
      endUnderway(attempt)
      if (isWhole && difference.length > 0) tellUnsettled(subscription, context)
      for (const frame of difference) context.send(connection, frame)
      if (!isWhole) endSnapshot(subscription, attempt, readTo)
      const replayed = await replay(subscription, sentTo, { announce: null, shownTo: null }, context)
      if (!isCurrent(connection, attempt)) return 'superseded'
      if (replayed === 'lost') {
        askForRows(connection, attempt)
        return 'superseded'
      }
      tellRights(subscription, context)
      return replayed
    }
    if (isCurrent(connection, attempt)) askAnew(connection, attempt)
    return 'superseded'
  }

  /** All there is, by the rights of today: its client shows the parts, and with them the difference, from here on. */
  const endSnapshot = (subscription: Subscription, { request }: Attempt, readTo: Position | null): void => {
    const grant = request.grant === undefined ? null : rightsOfMember(subscription, context)
    const end = { rows: '', more: false, readTo }
    context.send(subscription.connection, snapshotFrame(subscription.group, end, grant, context.clock.now()))
  }

  return { askAgain, catchUp }
}
