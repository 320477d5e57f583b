// How requests to subscribe, and subscriptions, end: refused, replaced, or sent away to come back for what they were not sent.
// Comes from subscribing.ts, recheck.ts, catch-up.ts and channel-manager.ts.
import type { Clock } from '@dnr/protocol'
import type { Connection } from '../connection/connection.ts'
import { unsubscribedFrame } from '../connection/frame.ts'
import type { Refusal } from '../connection/refusal.ts'
import type { Frame } from '../ports/server-socket.ts'
import { endAttempt } from './attempt.ts'
import { type ChannelRegistry, isInstalled } from './channel-registry.ts'
import type { Attempt, ChannelEntry, Subscription } from './subscription.ts'
import { tellUnsettled } from './tell-rights.ts'

export interface Endings {
  /** Ends a subscription, and tells the plugins when it was the connection's last to its channel. */
  remove(subscription: Subscription): void
  /** Ends what is installed of an attempt. The plugins have heard of what there was before it, not of the attempt itself. */
  end(connection: Connection, attempt: Attempt): void
  /** An earlier subscribe gives way; it is answered, so that nobody waits for it. */
  supersede(connection: Connection, attempt: Attempt | undefined): void
  /** Tells who waits for an answer: not who had one before, nor the server itself, when it asks. */
  refuseWaiting(connection: Connection, attempt: Attempt, refusal: Refusal): void
  /** The same, and ends what is installed, which is told to who had an answer before. */
  refuseAndEnd(connection: Connection, attempt: Attempt, refusal: Refusal): void
  /** The one or the other, by whether something has ended. */
  refuse(connection: Connection, attempt: Attempt, refusal: Refusal): void
  /** Ends what is installed. The client comes back with its position and the rights it had, and gets the rows as a difference. */
  askAnew(connection: Connection, attempt: Attempt): void
  /** The same where no position tells what it was not sent: it comes back by rights that nobody has, and gets all rows. */
  askForRows(connection: Connection, attempt: Attempt): void
  /** As `askAnew` does, one that is live. */
  sendAway(subscription: Subscription): void
  /** As `askForRows` does, one that is live. */
  sendForRows(subscription: Subscription): void
}

export interface EndingsOptions {
  readonly clock: Clock
  readonly registry: ChannelRegistry
  send(connection: Connection, frame: Frame): void
  refuse(connection: Connection, error: Refusal): void
  onUnsubscribed(connection: Connection, entry: Pick<ChannelEntry, 'name' | 'channel'>): void
}

const SUPERSEDED = 'A later request under the same key took the place of this one.'
const GONE_ON = 'The subscription has to begin anew: ask again after that.'

export function createEndings({
  clock,
  registry,
  send,
  refuse: sendRefusal,
  onUnsubscribed,
}: EndingsOptions): Endings {
  const remove: Endings['remove'] = (subscription) => {
    const { connection, group } = subscription
    registry.remove(subscription)
    if (!hears(connection, group.channel)) onUnsubscribed(connection, group.channel)
  }

  const end: Endings['end'] = (connection, attempt) => {
    const { subscription, request, isHeardOf } = attempt
    attempt.isHeardOf = false
    if (subscription !== null) registry.remove(subscription)
    if (isHeardOf && !hears(connection, request)) onUnsubscribed(connection, request)
  }

  const refuseWaiting: Endings['refuseWaiting'] = (connection, attempt, refusal) => {
    const { request, joined, isAnnounced } = attempt
    attempt.joined = []
    for (const { requestId, subscription, name } of isAnnounced ? joined : [request, ...joined])
      sendRefusal(connection, { ...refusal, requestId, channel: name, subscription })
  }

  const refuseAndEnd: Endings['refuseAndEnd'] = (connection, attempt, refusal) => {
    end(connection, attempt)
    const { name, subscription, requestId } = attempt.request
    const address = { channel: name, subscription, ...(attempt.isAnnounced ? {} : { requestId }) }
    sendRefusal(connection, { ...refusal, ...address, ended: true })
    attempt.isAnnounced = true
    refuseWaiting(connection, attempt, refusal)
  }

  const tellUnsubscribed = (
    connection: Connection,
    channel: string,
    subscription: string | undefined,
  ): void => send(connection, unsubscribedFrame({ channel, subscription }, clock.now()))

  const askAnew: Endings['askAnew'] = (connection, attempt) => {
    endAttempt(connection, attempt)
    end(connection, attempt)
    if (attempt.isRecheck) refuseWaiting(connection, attempt, { code: 'cancelled', message: GONE_ON })
    tellUnsubscribed(connection, attempt.request.name, attempt.request.subscription)
  }

  const sendAway: Endings['sendAway'] = (subscription) => {
    const { connection, group, key } = subscription
    remove(subscription)
    // What is asked for under the same key, and not answered yet, is told that there is nothing left of it.
    const asked = connection.attempts?.get(key)
    if (asked !== undefined) asked.hasEnded = true
    tellUnsubscribed(connection, group.channel.name, group.subscription)
  }

  return {
    remove,
    end,
    supersede(connection, attempt) {
      if (attempt === undefined) return
      endAttempt(connection, attempt)
      if (attempt.subscription !== null) registry.remove(attempt.subscription)
      refuseWaiting(connection, attempt, { code: 'cancelled', message: SUPERSEDED })
    },
    refuseWaiting,
    refuseAndEnd,
    refuse(connection, attempt, refusal) {
      if (attempt.hasEnded) refuseAndEnd(connection, attempt, refusal)
      else refuseWaiting(connection, attempt, refusal)
    },
    askAnew,
    askForRows(connection, attempt) {
      const { subscription } = attempt
      if (subscription !== null && isInstalled(subscription)) tellUnsettled(subscription, { clock, send })
      askAnew(connection, attempt)
    },
    sendAway,
    sendForRows(subscription) {
      tellUnsettled(subscription, { clock, send })
      sendAway(subscription)
    },
  }
}

function hears({ subscriptions }: Connection, { name }: Pick<ChannelEntry, 'name'>): boolean {
  for (const { group } of subscriptions?.values() ?? []) if (group.channel.name === name) return true
  return false
}
