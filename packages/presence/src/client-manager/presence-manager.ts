// Who is here, in a browser. Counts which parts of the page look at which resource; the connection is the transport's.
// Next: visit.ts, one for each resource.
import type { ReadonlySignal } from '@preact/signals-core'
import { systemClock } from '@dnr/internal'
import type { Activity, Clock, Member } from '@dnr/protocol'
import type { PresenceTransport, VisibilitySource } from './presence-transport.ts'
import { type Metadata, openVisit, type PresenceRefusal, type Visit } from './visit.ts'

export interface PresenceManagerOptions {
  readonly transport: PresenceTransport
  /**
   * `auto`: a hidden page is `away` and a visible one `active`, said the moment it changes; no timer of the page is
   * needed for it. `manual`: only what `heartbeat` says.
   * @default 'manual'
   */
  readonly activity?: 'auto' | 'manual'
  /** How long the last known members are kept while the connection is down, milliseconds. @default 30_000 */
  readonly staleAfterMs?: number
  /** Metadata is sent at most once in this time, milliseconds; the last one always. @default 50 */
  readonly updateIntervalMs?: number
  /** What tells whether the page is looked at, for `auto`. @default the page's document */
  readonly visibility?: VisibilitySource
  /** @default the system's */
  readonly clock?: Clock
}

/** The people at one resource, as one part of the page sees them. */
export interface PresenceRoom {
  /** By id; one entry a person whatever the number of their tabs. Keeps the last known while reconnecting. */
  readonly members: ReadonlySignal<readonly Member[]>
  /** True while the connection is down: the members are the last known. */
  readonly stale: ReadonlySignal<boolean>
  /**
   * Why this user is not seen there, or not with the last metadata; `null` when nothing is wrong. `busy` (no place left, or a rule that failed) is tried
   * again by itself after the time that the server names, `bad_metadata` with the next `update`.
   */
  readonly error: ReadonlySignal<PresenceRefusal | null>
  /** Ends this part's interest; the last one that leaves makes the user invisible. Harmless when repeated. */
  leave(): void
}

/** A room in which this user is visible. */
export interface JoinedRoom extends PresenceRoom {
  /** Replaces what others see beside the name: at most 1 KB of JSON. Without a connection it is said after the next join. */
  update(metadata: Metadata): void
  /** Says how active this tab is; `active` when nothing is given. Sent only when it changed, and never queued. */
  heartbeat(activity?: Activity): void
}

/**
 * Shows who is at a resource, and is seen there.
 *
 * After a reconnect it joins again with its current metadata and takes the server's list as it is: nobody leaves and
 * comes back on the screen for it. Parts of a page that ask for the same resource share one subscription.
 *
 * @example
 * const room = createPresenceManager({ transport: client }).join('board/red', { metadata: { card: null } })
 * effect(() => render(room.members.value))
 */
export interface PresenceManager {
  join(resource: string, options?: { readonly metadata?: Metadata }): JoinedRoom
  /** The same without being visible. */
  watch(resource: string): PresenceRoom
  /** Leaves everything, and no longer listens to the page. */
  close(): void
}

/** A visit and how many parts of the page want it, some of them to be seen. */
interface Shared {
  readonly visit: Visit
  uses: number
  joins: number
}

export function createPresenceManager(options: PresenceManagerOptions): PresenceManager {
  const { transport, staleAfterMs = 30_000, updateIntervalMs = 50, clock = systemClock } = options
  const sharedByResource = new Map<string, Shared>()
  const page = options.activity === 'auto' ? (options.visibility ?? pageDocument()) : undefined

  const activityOfPage = (): Activity => (page?.hidden ? 'away' : 'active')
  const onVisibility = (): void => {
    sharedByResource.forEach(({ visit }) => visit.beat(activityOfPage()))
  }
  page?.addEventListener('visibilitychange', onVisibility)

  const joinsMade = { count: 0 }
  const share = (resource: string): Shared => {
    const known = sharedByResource.get(resource)
    if (known) return known
    const visit = openVisit(resource, activityOfPage(), {
      transport,
      clock,
      staleAfterMs,
      updateIntervalMs,
      joins: joinsMade,
    })
    const shared: Shared = { visit, uses: 0, joins: 0 }
    sharedByResource.set(resource, shared)
    return shared
  }

  /** `joins`: 1 to be seen there, 0 to look on. */
  const enter = (resource: string, joins: 0 | 1): { visit: Visit; room: PresenceRoom } => {
    const shared = share(resource)
    const { visit } = shared
    const { members, stale, error } = visit
    let isHere = true
    shared.uses++
    shared.joins += joins
    const settle = (): void => {
      shared.uses--
      shared.joins -= joins
      if (sharedByResource.get(resource) !== shared) return
      if (!shared.joins) visit.show(false)
      if (shared.uses) return
      sharedByResource.delete(resource)
      visit.end()
    }
    const leave = (): void => {
      // A component that is mounted anew in the same turn never left.
      if (isHere) void Promise.resolve().then(settle)
      isHere = false
    }
    return { visit, room: { members, stale, error, leave } }
  }

  return {
    watch: (resource) => enter(resource, 0).room,
    join(resource, { metadata } = {}) {
      const { visit, room } = enter(resource, 1)
      if (metadata) visit.update(metadata)
      visit.show(true)
      return { ...room, update: visit.update, heartbeat: (activity = 'active') => visit.beat(activity) }
    },
    close() {
      page?.removeEventListener('visibilitychange', onVisibility)
      sharedByResource.forEach(({ visit }) => {
        visit.show(false)
        visit.end()
      })
      sharedByResource.clear()
    },
  }
}

function pageDocument(): VisibilitySource | undefined {
  return (globalThis as { document?: VisibilitySource }).document
}
