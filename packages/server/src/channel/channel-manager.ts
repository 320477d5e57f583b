// Who hears what. Holds channels, groups and subscriptions, and opens and ends them; does not hold sockets, and does not
// number changes. Comes from event-bus/ (a change) and connection/ (a request); next: connection/outgoing.ts (frames).
import {
  type Change,
  type ChannelName,
  type Clock,
  type ErrorCode,
  hasReached,
  type Position,
  toDnrError,
} from '@dnr/protocol'
import { type Connection, isLive, principalOf } from '../connection/connection.ts'
import { type MaybePromise, whenReady } from '../policy/maybe-promise.ts'
import { encodeMessage } from '../connection/frame.ts'
import { FORBIDDEN, isOwnFault, type Refusal, refusalOf } from '../connection/refusal.ts'
import { checkQuery } from '../policy/check-query.ts'
import type { Grant } from '../policy/grant.ts'
import type { RightsStamps } from '../policy/rights-stamps.ts'
import type { ChangeHistory } from '../ports/change-history.ts'
import type { Frame, FrameRun } from '../ports/server-socket.ts'
import { newAttempt } from './attempt.ts'
import type { Authorization, AuthorizeChannel } from './authorize-channel.ts'
import { placeOf } from './change-view.ts'
import { createChannelRegistry } from './channel-registry.ts'
import type { KnownEntity } from './entities.ts'
import { forgetHeard, type HistoryReader } from './history-reader.ts'
import {
  collect,
  isAtHead,
  letCollectedGo,
  openByReading,
  type OpeningContext,
  opensAtOnce,
} from './open-subscription.ts'
import { type Affected, createRecheck } from './recheck.ts'
import { subscribedFrame } from './snapshot-frames.ts'
import {
  type Attempt,
  type ChannelEntry,
  type Group,
  type Subscription,
  subscriptionKey,
  type SubscribeRequest,
  type SubscribeResult,
} from './subscription.ts'
import { createTurns } from './turns.ts'

/** Channels and their subscribers, as applications see them. */
export interface ChannelManager {
  readonly channelCount: number
  readonly groupCount: number
  readonly subscriptionCount: number
  /** Ids of the connections that hear a channel. */
  subscribers(channel: ChannelName): Iterable<string>
}

/** The same with what the stations beside it need. */
export interface Channels extends ChannelManager {
  readonly channels: ReadonlyMap<string, ChannelEntry>
  /** Authorises, installs and opens; answers with `subscribed` or `error`. At once when nothing has to be waited for. */
  subscribe(connection: Connection, request: SubscribeRequest): MaybePromise<SubscribeResult>
  /** Ends what is installed or under way under a {@link subscriptionKey}; no frame follows for it. `quiet`: a plugin asks, and is not told. */
  unsubscribe(connection: Connection, key: string, options?: { readonly quiet: boolean }): void
  /** Asks the policies again about subscriptions, and those under way: their difference is sent, or they end. */
  recheck(affected: Affected): Promise<void>
  /** Ends everything of a connection. */
  release(connection: Connection): void
  /** To every member of a group; those who still read get it afterwards. */
  deliver(group: Group, frame: Frame, change: Change): void
  /** A change could not be told to a group: its members come back and ask for it; those who still read do so further. */
  letGo(group: Group, change: Change): void
  /** To everybody who hears the channel, once each; returns how many. */
  broadcast(channel: string, frame: Frame, exclude?: string): number
}

export interface ChannelManagerOptions {
  readonly clock: Clock
  readonly maxSubscriptionsPerConnection: number
  readonly maxQueueBytes: number
  readonly entities: ReadonlyMap<string, KnownEntity>
  readonly history: ChangeHistory | null
  readonly reader: HistoryReader
  readonly authorize: AuthorizeChannel
  /** Resolves when it is known where the log stands; at once afterwards. */
  ready(): MaybePromise<void>
  position(): Position | null
  send(connection: Connection, frame: Frame): void
  sendRun(connection: Connection, run: FrameRun): void
  refuse(connection: Connection, error: Refusal): void
  closeSlow(connection: Connection): void
  onSubscribed(connection: Connection, entry: ChannelEntry): void
  onUnsubscribed(connection: Connection, entry: ChannelEntry): void
  /** A subscription without rows may go on, after a change of rights. */
  onRechecked(connection: Connection, entry: ChannelEntry): void
  /** Counts the changes of rights that a subscriber was told of. */
  readonly rights: RightsStamps
  /** Tells at once what a channel above its limit holds back. */
  flush(entry: ChannelEntry): void
  onError(error: unknown, what: string): void
}

export function createChannelManager(options: ChannelManagerOptions): Channels {
  const { clock, authorize, send, refuse } = options
  const registry = createChannelRegistry(options.entities)

  const refuseAttempt = (
    { request, joined }: Attempt,
    connection: Connection,
    code: ErrorCode,
    message: string,
    more: Partial<Refusal> = {},
  ): void => {
    for (const { requestId, subscription, name } of [request, ...joined])
      refuse(connection, { ...more, code, message, requestId, channel: name, subscription })
  }

  const rightsOf = (connection: Connection, grant: Grant | null, channel: string): string =>
    options.rights.fingerprint(grant, principalOf(connection)?.id ?? '', channel)

  const context: OpeningContext = { ...options, rightsOf, turns: createTurns(clock) }

  /** An earlier subscribe under the same key gives way; it is answered, so that nobody waits for it. */
  const supersede = (connection: Connection, attempt: Attempt | undefined): void => {
    if (attempt === undefined) return
    endAttempt(connection, attempt)
    if (attempt.subscription !== null) registry.remove(attempt.subscription)
    if (attempt.isRecheck) return
    refuseAttempt(
      attempt,
      connection,
      'cancelled',
      'A later request under the same key took the place of this one.',
    )
  }

  const remove = (subscription: Subscription): void => {
    const { connection, group } = subscription
    registry.remove(subscription)
    if (!hears(connection, group.channel)) options.onUnsubscribed(connection, group.channel)
  }

  const settle = (
    connection: Connection,
    attempt: Attempt,
    authorization: Authorization,
  ): MaybePromise<SubscribeResult> => {
    if (!isCurrent(connection, attempt)) return attempt.restarted ?? 'refused'
    const { request, key } = attempt
    const replaced = connection.subscriptions?.get(key)
    if (authorization === null) {
      endAttempt(connection, attempt)
      if (replaced !== undefined) remove(replaced)
      refuseAttempt(attempt, connection, 'forbidden', FORBIDDEN)
      return 'refused'
    }
    const { grant } = authorization
    const where = grant === null || request.where === undefined ? null : checkQuery(grant, request.where)
    if (where !== null && !where.ok) {
      endAttempt(connection, attempt)
      refuseAttempt(attempt, connection, where.code, where.message)
      return 'refused'
    }
    const entry = registry.channels.get(request.name)
    if (entry !== undefined) options.flush(entry)
    if (!isCurrent(connection, attempt)) return attempt.restarted ?? 'refused'
    if (replaced !== undefined) registry.remove(replaced)
    if (typeof request.grant === 'string' && request.grant !== rightsOf(connection, grant, request.name))
      attempt.request = withoutPosition(request)
    const isQuick = opensAtOnce(attempt, options.position())
    const subscription = registry.install(connection, key, request, grant, !isQuick)
    attempt.subscription = subscription
    return isQuick ? openNow(connection, attempt, subscription) : openLater(connection, attempt, subscription)
  }

  const openNow = (connection: Connection, attempt: Attempt, subscription: Subscription): SubscribeResult => {
    const { request } = attempt
    endAttempt(connection, attempt)
    subscription.isUnsure = request.position !== undefined && subscription.group.shown?.isComplete === false
    if (request.quiet === true) return 'installed'
    const position = options.position()
    const recovered = isAtHead(request.position, position)
    const { grant: current, channel } = subscription.group
    const grant = request.grant === undefined ? null : rightsOf(connection, current, channel.name)
    const answer = { position, recovered, part: null, grant, requestId: request.requestId }
    send(connection, subscribedFrame(subscription.group, answer, clock.now()))
    options.onSubscribed(connection, subscription.group.channel)
    return 'installed'
  }

  /** One reading at a time for each connection: fifty resumes at once would be fifty queues. */
  const openLater = (
    connection: Connection,
    attempt: Attempt,
    subscription: Subscription,
  ): Promise<SubscribeResult> => {
    /** `null`: another attempt, or nobody, has taken its place. */
    const read = async (): Promise<SubscribeResult | null> => {
      if (!isCurrent(connection, attempt)) return null
      try {
        const opened = await openByReading(attempt, subscription, context)
        if (!isCurrent(connection, attempt)) return null
        endAttempt(connection, attempt)
        if (opened === 'superseded') return null
        options.onSubscribed(connection, subscription.group.channel)
        return 'installed'
      } catch (error) {
        return failed(connection, attempt, subscription, error)
      }
    }
    const reading = (connection.reading ?? Promise.resolve()).then(read).finally(() => {
      if (connection.reading === reading) connection.reading = null
    })
    connection.reading = reading
    // What took its place waits for this reading: it must not be waited for within it.
    return reading.then((result) => result ?? attempt.restarted ?? 'refused')
  }

  const failed = (
    connection: Connection,
    attempt: Attempt,
    subscription: Subscription,
    error: unknown,
  ): SubscribeResult | null => {
    if (!isCurrent(connection, attempt)) return null
    endAttempt(connection, attempt)
    remove(subscription)
    const known = toDnrError(
      error,
      'internal',
      'The rows or the change log could not be read. Subscribe again later.',
    )
    if (isOwnFault(known)) options.onError(error, 'reading for a subscription')
    const { code, message, retryAfterMs, details } = refusalOf(known)
    refuseAttempt(attempt, connection, code, message, { retryAfterMs, details })
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
      endAttempt(connection, attempt)
      options.onError(error, 'subscribing')
      refuseAttempt(attempt, connection, 'internal', 'The subscription could not be made. Try again later.')
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
    if (request.quiet === true && pending?.isRecheck === false && pending.result !== null) {
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
    if (pending.request.quiet === true) endAttempt(connection, pending)
    else supersede(connection, pending)
  }

  const begin = (connection: Connection, attempt: Attempt): MaybePromise<SubscribeResult> => {
    const { key } = attempt
    if (principalOf(connection) === null) {
      refuseAttempt(attempt, connection, 'unauthorized', 'Sign in first: send auth with a token.')
      return 'refused'
    }
    if (!hasRoom(connection, key, options.maxSubscriptionsPerConnection)) {
      const message = `A connection has at most ${options.maxSubscriptionsPerConnection} subscriptions: unsubscribe from one first.`
      refuseAttempt(attempt, connection, 'too_many_subscriptions', message)
      return 'refused'
    }
    return pursue(connection, attempt)
  }

  /** The client comes back for what it was not sent, from the position that it has. */
  const sendAway = (subscription: Subscription): void => {
    registry.remove(subscription)
    const { channel, subscription: key } = subscription.group
    const ended = { type: 'unsubscribed', channel: channel.name, subscription: key }
    send(subscription.connection, encodeMessage(ended, clock.now()))
  }

  const recheck = createRecheck({
    ...context,
    registry,
    history: options.history,
    authorize,
    refuse,
    pursue,
    isCurrent,
    endAttempt,
    remove,
    onError: options.onError,
    onRechecked: options.onRechecked,
  })

  return {
    channels: registry.channels,
    get channelCount() {
      return registry.channels.size
    },
    get groupCount() {
      return registry.groupCount
    },
    get subscriptionCount() {
      return registry.subscriptionCount
    },
    *subscribers(channel) {
      const seen = new Set<string>()
      for (const { members } of registry.channels.get(channel)?.groups ?? []) {
        for (const { connection, opening } of members) {
          const isReading = opening !== null && opening.readTo === null
          if (isReading || seen.has(connection.id)) continue
          seen.add(connection.id)
          yield connection.id
        }
      }
    },
    subscribe,
    unsubscribe(connection, key, { quiet } = { quiet: false }) {
      const pending = connection.attempts?.get(key)
      // The client itself wants to hear the channel, whatever its plugin does.
      if (quiet && pending?.isRecheck === false && pending.request.quiet !== true) return
      supersede(connection, pending)
      const subscription = connection.subscriptions?.get(key)
      if (subscription === undefined) return
      if (quiet) registry.remove(subscription)
      else remove(subscription)
    },
    recheck,
    release(connection) {
      connection.attempts = null
      for (const subscription of connection.subscriptions?.values() ?? []) registry.remove(subscription)
      connection.subscriptions = null
    },
    deliver(group, frame, change) {
      forgetHeard(group, change.id)
      const place = placeOf(change)
      const { members } = group
      // From the end: a member that is removed meanwhile makes place for one that has been served.
      for (let index = members.length - 1; index >= 0; index--) {
        const member = members[index] as Subscription
        const { connection, opening } = member
        if (opening === null || collect(member, opening, frame, place)) send(connection, frame)
      }
    },
    letGo(group, change) {
      forgetHeard(group, change.id)
      const { members } = group
      for (let index = members.length - 1; index >= 0; index--) {
        const member = members[index] as Subscription
        const { opening } = member
        if (opening === null) sendAway(member)
        else if (opening.readTo === null) letCollectedGo(opening)
        else if (!hasReached(opening.readTo, change.position)) sendAway(member)
      }
    },
    broadcast(channel, frame, exclude) {
      const served = new Set<Connection>()
      for (const { members } of registry.channels.get(channel)?.groups ?? []) {
        for (const member of members) {
          const { connection, opening } = member
          if (connection.id === exclude || served.has(connection)) continue
          served.add(connection)
          if (opening === null || collect(member, opening, frame, null)) send(connection, frame)
        }
      }
      return served.size
    },
  }
}

/** With other rights a position does not hold: what was seen there is not what may be seen. */
function withoutPosition({ position: _held, ...request }: SubscribeRequest): SubscribeRequest {
  return request
}

function isCurrent(connection: Connection, attempt: Attempt): boolean {
  return connection.attempts?.get(attempt.key) === attempt && isLive(connection)
}

function endAttempt(connection: Connection, attempt: Attempt): void {
  if (connection.attempts?.get(attempt.key) !== attempt) return
  connection.attempts.delete(attempt.key)
  if (connection.attempts.size === 0) connection.attempts = null
}

function hears({ subscriptions }: Connection, entry: ChannelEntry): boolean {
  for (const { group } of subscriptions?.values() ?? []) if (group.channel === entry) return true
  return false
}

function hasRoom({ subscriptions, attempts }: Connection, key: string, limit: number): boolean {
  if (subscriptions?.has(key) === true) return true
  let count = subscriptions?.size ?? 0
  for (const waiting of attempts?.keys() ?? []) if (subscriptions?.has(waiting) !== true) count++
  return count < limit
}
