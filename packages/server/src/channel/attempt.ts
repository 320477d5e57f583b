import { type Connection, isLive } from '../connection/connection.ts'
import type { Attempt, SubscribeRequest, Subscription } from './subscription.ts'

/** A subscribe that has just come; or, when the server itself asks about a subscription, one that has been answered. */
export function newAttempt(key: string, request: SubscribeRequest, isRecheck = false): Attempt {
  return {
    key,
    request,
    subscription: null,
    isAnnounced: isRecheck,
    hasEnded: false,
    isHeardOf: isRecheck,
    isRecheck,
    isAsked: true,
    isOutdated: false,
    doubt: null,
    joined: [],
    result: null,
    restarted: null,
    underway: null,
  }
}

/** One of the server's own, about a subscription that has been answered. */
export function beginOwnAttempt(subscription: Subscription): Attempt {
  const { connection, key } = subscription
  const attempt = newAttempt(key, requestOf(subscription), true)
  attempt.subscription = subscription
  connection.attempts ??= new Map()
  connection.attempts.set(key, attempt)
  return attempt
}

function requestOf({ group, wantsGrant }: Subscription): SubscribeRequest {
  const { channel, subscription, where } = group
  return {
    channel: channel.channel,
    name: channel.name,
    subscription,
    where: where ?? undefined,
    grant: wantsGrant ? null : undefined,
  }
}

/** Is it still what the connection waits for under its key? */
export function isCurrent(connection: Connection, attempt: Attempt): boolean {
  return connection.attempts?.get(attempt.key) === attempt && isLive(connection)
}

export function endAttempt(connection: Connection, attempt: Attempt): void {
  if (connection.attempts?.get(attempt.key) !== attempt) return
  connection.attempts.delete(attempt.key)
  attempt.doubt?.wake()
  if (connection.attempts.size === 0) connection.attempts = null
}
