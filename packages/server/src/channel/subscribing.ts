// From a request to an installed subscription: asked for, authorised, opened, answered. Holds the attempts of connections;
// next: open-subscription.ts reads what a subscription has missed, endings.ts says how it ends.
//
//   asked ─▶ authorising ─no▶ refused
//                └─yes▶ installed ─at the head▶ live          a later request under the same key takes the place of an earlier one
//                           └─reading▶ live
import { toDnrError } from '@dnr/protocol'
import { type Connection, principalOf } from '../connection/connection.ts'
import { isOwnFault, type Refusal, refusalOf, refusedBy } from '../connection/refusal.ts'
import { type MaybePromise, whenReady } from '../policy/maybe-promise.ts'
import { checkQuery } from '../policy/check-query.ts'
import { endAttempt, isCurrent, newAttempt } from './attempt.ts'
import type { Authorization, AuthorizeChannel } from './authorize-channel.ts'
import type { ChannelRegistry } from './channel-registry.ts'
import { answerSubscribe } from './answer-subscribe.ts'
import type { Endings } from './endings.ts'
import { isAtHead, openByReading, opensAtOnce } from './open-subscription.ts'
import type { OpeningContext } from './opening-context.ts'
import type { Rechecks } from './recheck.ts'
import { goLive } from './replay.ts'
import { endUnderway } from './underway.ts'
import {
  type Attempt,
  type ChannelEntry,
  type Subscription,
  subscriptionKey,
  type SubscribeRequest,
  type SubscribeResult,
} from './subscription.ts'

/** How connections come to hear channels. */
export interface Subscribing {
  /** Authorises, installs and opens; answers with `subscribed` or `error`. At once when nothing has to be waited for. */
  subscribe(connection: Connection, request: SubscribeRequest): MaybePromise<SubscribeResult>
  /** The same for an attempt that is made already; it becomes the connection's current one under its key. */
  pursue(connection: Connection, attempt: Attempt): MaybePromise<SubscribeResult>
}

export interface SubscribingOptions extends OpeningContext {
  readonly registry: ChannelRegistry
  readonly maxSubscriptionsPerConnection: number
  readonly authorize: AuthorizeChannel
  readonly endings: Endings
  ready(): MaybePromise<void>
  onSubscribed(connection: Connection, entry: ChannelEntry): void
  /** Keeps a subscription without rows while nobody knows whether it may go on. */
  readonly doubt: Rechecks['doubt']
  /** Makes live what has been sent its rows while rights changed. */
  readonly catchUp: Rechecks['catchUp']
  onError(error: unknown, what: string): void
}

/** What could not be read may be readable later, whatever it was; a client that is told so asks again, less and less often. */
const RETRY_AFTER_MS = 1_000

export function createSubscribing(options: SubscribingOptions): Subscribing {
  const { authorize, registry, rightsOf, endings } = options

  const settle = (
    connection: Connection,
    attempt: Attempt,
    authorization: Authorization,
  ): MaybePromise<SubscribeResult> => {
    if (!isCurrent(connection, attempt)) return attempt.restarted ?? 'refused'
    const { request, key } = attempt
    const replaced = connection.subscriptions?.get(key)
    if (authorization === null || authorization === 'unknown') {
      if (authorization === 'unknown' && replaced?.group.grant === null)
        return refuseAlone(attempt, replaced, refusedBy(authorization))
      endAttempt(connection, attempt)
      if (replaced !== undefined) replace(attempt, replaced)
      endings.refuse(connection, attempt, refusedBy(authorization))
      return 'refused'
    }
    const { grant } = authorization
    const where = grant === null || request.where === undefined ? null : checkQuery(grant, request.where)
    if (where !== null && !where.ok) {
      endAttempt(connection, attempt)
      endings.refuse(connection, attempt, { code: where.code, message: where.message })
      return 'refused'
    }
    const entry = registry.channels.get(request.name)
    if (entry !== undefined) options.flush(entry)
    if (!isCurrent(connection, attempt)) return attempt.restarted ?? 'refused'
    // Words that were said while nobody knew come with the yes.
    if (replaced?.group.grant === null) goLive(replaced, null, options)
    if (replaced !== undefined) replace(attempt, replaced)
    if (typeof request.grant === 'string' && request.grant !== rightsOf(connection, grant, request.name))
      attempt.request = withoutPosition(request)
    const isQuick = opensAtOnce(attempt, options.position())
    const subscription = registry.install(connection, request, grant, !isQuick)
    attempt.subscription = subscription
    attempt.isAsked = false
    return isQuick ? openNow(connection, attempt, subscription) : openLater(connection, attempt, subscription)
  }

  const replace = (attempt: Attempt, replaced: Subscription): void => {
    attempt.hasEnded = true
    attempt.isHeardOf = true
    registry.remove(replaced)
  }

  /** Nobody knows just now: what there was without rows stays, in doubt, and whoever joined the request waits for that. */
  const refuseAlone = (
    attempt: Attempt,
    replaced: Subscription,
    refusal: Refusal,
  ): MaybePromise<SubscribeResult> => {
    const { connection } = replaced
    const { joined } = attempt
    attempt.joined = []
    endAttempt(connection, attempt)
    endings.refuseWaiting(connection, attempt, refusal)
    return options.doubt(replaced, joined)
  }

  const openNow = (connection: Connection, attempt: Attempt, subscription: Subscription): SubscribeResult => {
    const { request } = attempt
    endAttempt(connection, attempt)
    if (request.quiet === true) return 'installed'
    const position = options.position()
    const recovered = isAtHead(request.position, position)
    answerSubscribe(subscription, attempt, { position, recovered, part: null }, options)
    options.onSubscribed(connection, subscription.group.channel)
    return 'installed'
  }

  /** One reading at a time for each connection: fifty resumes at once would be fifty queues. */
  const openLater = (
    connection: Connection,
    attempt: Attempt,
    subscription: Subscription,
  ): Promise<SubscribeResult> => {
    const before = connection.reading
    /** `null`: another attempt, or nobody, has taken its place. */
    const read = async (): Promise<SubscribeResult | null> => {
      try {
        await before
        if (!isCurrent(connection, attempt)) return null
        const sent = await openByReading(attempt, subscription, options)
        const opened = sent === 'outdated' ? await options.catchUp(connection, attempt) : sent
        if (!isCurrent(connection, attempt)) return null
        endAttempt(connection, attempt)
        if (opened === 'superseded') return null
        options.onSubscribed(connection, (attempt.subscription ?? subscription).group.channel)
        return 'installed'
      } catch (error) {
        return failed(connection, attempt, error)
      } finally {
        endUnderway(attempt)
        if (connection.reading === reading) connection.reading = null
      }
    }
    const reading = read()
    connection.reading = reading
    // What took its place waits for this reading: it must not be waited for within it.
    return reading.then((result) => result ?? attempt.restarted ?? 'refused')
  }

  const failed = (connection: Connection, attempt: Attempt, error: unknown): SubscribeResult | null => {
    if (!isCurrent(connection, attempt)) return null
    endAttempt(connection, attempt)
    const known = toDnrError(
      error,
      'internal',
      'The rows or the change log could not be read. Subscribe again later.',
    )
    const isOurs = isOwnFault(known)
    if (isOurs) options.onError(error, 'reading for a subscription')
    endings.refuseAndEnd(connection, attempt, {
      ...(isOurs && { retryAfterMs: RETRY_AFTER_MS }),
      ...refusalOf(known),
    })
    return 'refused'
  }

  /** Asks the policies, and opens; the attempt is the connection's current one under its key. */
  const pursue = (connection: Connection, attempt: Attempt): MaybePromise<SubscribeResult> => {
    connection.attempts ??= new Map()
    connection.attempts.set(attempt.key, attempt)
    const result = whenReady(options.ready(), () => ask(connection, attempt))
    if (!(result instanceof Promise)) return result
    return result.catch((error: unknown) => {
      if (!isCurrent(connection, attempt)) return attempt.restarted ?? 'refused'
      options.onError(error, 'subscribing')
      const message = 'The subscription could not be made. Try again later.'
      const refusal: Refusal = { code: 'internal', message, retryAfterMs: RETRY_AFTER_MS }
      const replaced = connection.subscriptions?.get(attempt.key)
      if (replaced?.group.grant === null) return refuseAlone(attempt, replaced, refusal)
      endAttempt(connection, attempt)
      endings.refuse(connection, attempt, refusal)
      return 'refused'
    })
  }

  const ask = (connection: Connection, attempt: Attempt): MaybePromise<SubscribeResult> => {
    const principal = principalOf(connection)
    const authorization = principal === null ? null : authorize(principal, attempt.request.channel)
    return whenReady(authorization, (answer) => {
      // A session that was renewed meanwhile may have other rights.
      if (principal !== principalOf(connection) && isCurrent(connection, attempt))
        return ask(connection, attempt)
      return settle(connection, attempt, answer)
    })
  }

  const subscribe = (connection: Connection, request: SubscribeRequest): MaybePromise<SubscribeResult> => {
    const key = subscriptionKey(request.name, request.subscription)
    const pending = connection.attempts?.get(key)
    if (request.quiet === true && pending !== undefined && pending.result !== null) {
      pending.joined = [...pending.joined, request]
      return pending.result
    }
    const attempt = newAttempt(key, request)
    if (pending !== undefined) takeOver(connection, pending, attempt)
    attempt.result = begin(connection, attempt)
    if (pending !== undefined) pending.restarted = attempt.result
    return attempt.result
  }

  /** A plugin that waits for the same permission goes on waiting; a client has asked for something else. */
  const takeOver = (connection: Connection, pending: Attempt, attempt: Attempt): void => {
    attempt.joined = pending.request.quiet === true ? [pending.request, ...pending.joined] : pending.joined
    pending.joined = []
    // What is only asked about anew stays installed, muted as it is: its plugin is told when it ends.
    const staysMuted = pending.doubt !== null
    attempt.hasEnded = pending.hasEnded
    attempt.isHeardOf = pending.isHeardOf && !staysMuted
    if (staysMuted || pending.request.quiet === true) return endAttempt(connection, pending)
    attempt.hasEnded ||= pending.isAnnounced && pending.subscription !== null
    endings.supersede(connection, pending)
  }

  const begin = (connection: Connection, attempt: Attempt): MaybePromise<SubscribeResult> => {
    const { key } = attempt
    if (principalOf(connection) === null) {
      const message = 'Sign in first: send auth with a token.'
      endings.refuse(connection, attempt, { code: 'unauthorized', message })
      return 'refused'
    }
    if (!hasRoom(connection, key, options.maxSubscriptionsPerConnection)) {
      const message = `A connection has at most ${options.maxSubscriptionsPerConnection} subscriptions: unsubscribe from one first.`
      endings.refuse(connection, attempt, { code: 'too_many_subscriptions', message })
      return 'refused'
    }
    return pursue(connection, attempt)
  }

  return { subscribe, pursue }
}

/** With other rights a position does not hold: what was seen there is not what may be seen. */
function withoutPosition({ position: _held, ...request }: SubscribeRequest): SubscribeRequest {
  return request
}

function hasRoom({ subscriptions, attempts }: Connection, key: string, limit: number): boolean {
  if (subscriptions?.has(key) === true) return true
  let count = subscriptions?.size ?? 0
  for (const waiting of attempts?.keys() ?? []) if (subscriptions?.has(waiting) !== true) count++
  return count < limit
}
