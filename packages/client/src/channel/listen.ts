import type { EntityEvent, ServerMessage } from '@dnr/protocol'
import { callEach } from './call-each.ts'
import type { ChannelSubscriber } from './channel-subscriber.ts'
import { foldPeople } from './fold-people.ts'
import { createLiveness, type Liveness } from './liveness.ts'
import type { Shares } from './shares.ts'
import type { SubscriptionStatus } from './wire-subscription.ts'

/** What a listener to a channel may hear. One that throws disturbs nobody else. */
export interface ChannelListener {
  event?(event: EntityEvent): void
  /**
   * Everything on the channel that is no change of a row: messages, presence, errors. Who joins late gets the people who are
   * there as a `presence:sync` at once.
   */
  message?(message: ServerMessage): void
  /** How the subscription stands; at once for who joins one that is no longer `loading`. */
  status?(status: SubscriptionStatus): void
}

export interface Subscription extends Liveness {
  /** At once for this listener, also in the middle of a delivery; harmless when repeated. */
  unsubscribe(): void
}

/** Adds a listener to a channel; all of them share one subscription on the wire. */
export function listen(
  channels: ChannelSubscriber,
  shares: Shares,
  channel: string,
  listener: ChannelListener,
  guard: (call: () => void) => void,
): Subscription {
  const own = { listener } // the same listener may come twice
  const { value, release } = shares.use(channel, () => {
    const listeners = new Set<typeof own>()
    const share = { listeners, liveness: createLiveness(), people: null as ReturnType<typeof foldPeople> }
    const tell = (call: (listener: ChannelListener) => void): void =>
      callEach(listeners, (each) => guard(() => call(each.listener)))
    // Listeners to events alone keep clear of the rows' subscription, which may have to begin anew by itself.
    const key = channel.startsWith('entity:') ? 'e' : undefined
    const end = channels.open(
      { channel, key },
      {
        status(status, error) {
          // First, so that a listener added by one of the others learns it as it joins.
          guard(() => share.liveness.enter(status, error))
          if (status !== 'live') share.people = null
          tell((each) => each.status?.(status))
        },
        events: (events) => events.forEach((event) => tell((each) => each.event?.(event))),
        message(message) {
          share.people = foldPeople(share.people, message)
          tell((each) => each.message?.(message))
        },
      },
    )
    return [share, end]
  })
  const { listeners, liveness, people } = value
  listeners.add(own)
  const status = liveness.status.peek()
  if (status !== 'loading') guard(() => listener.status?.(status))
  if (people) guard(() => listener.message?.(people))
  return {
    ...liveness,
    unsubscribe() {
      listeners.delete(own)
      release()
    },
  }
}
