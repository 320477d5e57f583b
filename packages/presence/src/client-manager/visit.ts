// One resource, as all parts of this page see it together. Holds its members and what this user says of themselves there;
// comes from presence-manager.ts, which counts the parts.
//
//   waiting ─live▶ live ─lost▶ stale ─live▶ live        stale ─staleAfterMs▶ stale, empty        any ─failed▶ failed, empty
import { type ReadonlySignal, signal } from '@preact/signals-core'
import type { Activity, Clock, Member, PresenceChannel, ServerMessage } from '@dnr/protocol'
import { applyPresence } from './apply-presence.ts'
import type { PresenceTransport } from './presence-transport.ts'
import { createThrottle } from './throttle.ts'

export type Metadata = Readonly<Record<string, unknown>>

export interface VisitOptions {
  readonly transport: PresenceTransport
  readonly clock: Clock
  readonly staleAfterMs: number
  readonly updateIntervalMs: number
}

export interface Visit {
  readonly members: ReadonlySignal<readonly Member[]>
  readonly stale: ReadonlySignal<boolean>
  /** Is to be seen there, or no longer. Nothing is sent when that is so already. */
  show(isShown: boolean): void
  update(metadata: Metadata): void
  beat(activity: Activity): void
  end(): void
}

export function openVisit(resource: string, activity: Activity, options: VisitOptions): Visit {
  const { transport, clock } = options
  const channel: PresenceChannel = `presence:${resource}`
  const members = signal<readonly Member[]>([])
  const stale = signal(true)
  let metadata: Metadata = {}
  let isWanted = false
  let isJoined = false
  let forgetLater = (): void => {}

  const say = (type: string, payload?: unknown): boolean => transport.send({ type, channel, payload })
  const updates = createThrottle(clock, options.updateIntervalMs, () => say('presence:update', { metadata }))

  /** Everything is said anew: what the server knew of this tab is gone with its connection. */
  const join = (): void => {
    updates.cancel()
    isJoined = say('presence:join', { metadata })
    if (activity !== 'active') say('presence:heartbeat', { state: activity })
  }

  const hear = (message: ServerMessage): void => {
    members.value = applyPresence(members.peek(), message)
    if (message.type === 'error' && message.payload.code === 'not_joined' && isJoined) join()
  }

  const enter = (status: string): void => {
    const isLive = status === 'live'
    forgetLater()
    if (isLive && stale.peek() && isWanted) join()
    stale.value = !isLive
    if (isLive) return
    isJoined = false
    updates.cancel()
    if (status === 'failed') members.value = []
    else forgetLater = clock.setTimeout(() => (members.value = []), options.staleAfterMs)
  }

  const subscription = transport.subscribe(channel, { message: hear, status: enter })

  return {
    members,
    stale,
    show(isShown) {
      isWanted = isShown
      if (isShown && !isJoined && !stale.peek()) join()
      if (isShown || !isJoined) return
      isJoined = false
      updates.cancel()
      say('presence:leave')
    },
    update(next) {
      metadata = next
      if (isJoined) updates.request()
    },
    beat(next) {
      if (next === activity) return
      activity = next
      if (isJoined) say('presence:heartbeat', { state: next })
    },
    end() {
      forgetLater()
      updates.cancel()
      subscription.unsubscribe()
    },
  }
}
