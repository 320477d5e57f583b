// One resource, as all parts of this page see it together. Holds its members and what this user says of themselves there;
// comes from presence-manager.ts, which counts the parts.
//
//   waiting ─live▶ live ─lost▶ stale ─live▶ live        stale ─staleAfterMs▶ stale, empty        any ─failed▶ failed, empty
//   live, not joined ─join▶ joined ─refused▶ not joined ─retryAfterMs, other metadata▶ joined
import { type ReadonlySignal, signal } from '@preact/signals-core'
import type { Activity, Clock, Member, PresenceChannel, ServerMessage } from '@dnr/protocol'
import { applyPresence } from './apply-presence.ts'
import type { PresenceTransport } from './presence-transport.ts'
import { createThrottle } from './throttle.ts'

export type Metadata = Readonly<Record<string, unknown>>

/** Why the server does not show this user, or not with that metadata: a `code` of `docs/errors.md`. */
export type PresenceRefusal = Extract<ServerMessage, { type: 'error' }>['payload']

export interface VisitOptions {
  readonly transport: PresenceTransport
  readonly clock: Clock
  readonly staleAfterMs: number
  readonly updateIntervalMs: number
  /**
   * How many joins this page has made. Eight request ids in turn tell the answers of those that follow on each other apart, also of two
   * visits; with so few of them the server answers many pages with one frame.
   */
  readonly joins: { count: number }
}

export interface Visit {
  readonly members: ReadonlySignal<readonly Member[]>
  readonly stale: ReadonlySignal<boolean>
  readonly error: ReadonlySignal<PresenceRefusal | null>
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
  const error = signal<PresenceRefusal | null>(null)
  let metadata: Metadata = {}
  let isWanted = false
  let isJoined = false
  let joinId = '' // of the last one: what an earlier one is answered with is no news any more
  let isRefused = false // and not tried again by itself
  let cancelTimer = (): void => {} // of forgetting while stale, of the next try while live

  const say = (type: string, payload?: unknown, requestId?: string): boolean =>
    transport.send({ type, channel, payload, requestId })
  const updates = createThrottle(clock, options.updateIntervalMs, () => {
    if (isRefused) join()
    else say('presence:update', { metadata })
  })

  /** Nothing of an earlier join is under way any more. */
  const quiet = (): void => {
    cancelTimer()
    updates.cancel()
    isJoined = isRefused = false
  }

  /** Everything is said anew: what the server knew of this tab is gone with its connection. */
  const join = (): void => {
    quiet()
    joinId = `join${++options.joins.count % 8}`
    isJoined = say('presence:join', { metadata }, joinId)
    if (activity !== 'active') say('presence:heartbeat', { state: activity })
  }

  const hear = (message: ServerMessage): void => {
    members.value = applyPresence(members.peek(), message)
    const { requestId } = message
    if (!isWanted || (requestId && requestId !== joinId)) return
    if (message.type === 'error') refused(message.payload, requestId)
    else if (requestId) error.value = null
  }

  /** `requestId`: it is the join that was refused. */
  const refused = (refusal: PresenceRefusal, requestId?: string): void => {
    const { code, retryAfterMs } = refusal
    if (code === 'not_joined') return isJoined ? join() : undefined
    error.value = refusal
    if (stale.peek()) return // whoever comes back joins anyway
    if (requestId) quiet()
    if (retryAfterMs) {
      // Also for an update: a join says all of it anew.
      cancelTimer()
      cancelTimer = clock.setTimeout(join, retryAfterMs)
    } else isRefused = !!requestId
  }

  const enter = (status: string): void => {
    const isLive = status === 'live'
    if (isLive && !stale.peek()) return
    quiet()
    if (isLive && isWanted) join()
    stale.value = !isLive
    if (isLive) return
    if (status === 'failed') members.value = []
    else cancelTimer = clock.setTimeout(() => (members.value = []), options.staleAfterMs)
  }

  const subscription = transport.subscribe(channel, { message: hear, status: enter })

  return {
    members,
    stale,
    error,
    show(isShown) {
      isWanted = isShown
      if (isShown && !isJoined && !stale.peek()) join()
      if (isShown) return
      error.value = null
      const wasJoined = isJoined
      if (!stale.peek()) quiet()
      if (wasJoined) say('presence:leave')
    },
    update(next) {
      metadata = next
      if (!isJoined && !isRefused) return
      error.value = null
      updates.request()
    },
    beat(next) {
      if (next === activity) return
      activity = next
      if (isJoined) say('presence:heartbeat', { state: next })
    },
    end() {
      quiet()
      subscription.unsubscribe()
    },
  }
}
