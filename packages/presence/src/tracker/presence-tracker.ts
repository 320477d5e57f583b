// Holds the rooms and moves them. No timer: whoever owns it calls `cleanupStale`.
import { type Activity, type Clock, DnrError, type Member, utf8Bytes } from '@dnr/protocol'
import { membersOf, type Meta, type Person, type Room } from './presence-state.ts'

export interface PresenceTrackerOptions {
  readonly clock: Clock
  /** How long somebody whose connection was lost still counts, milliseconds. @default 30_000 */
  readonly ttlMs?: number
  /** Largest metadata of a connection, bytes of JSON. More is refused with `bad_metadata`. @default 1_024 */
  readonly maxMetadataBytes?: number
}

/** A connection that no longer counts. */
export interface StaleEntry {
  readonly resource: string
  readonly userId: string
  readonly connectionId: string
}

/**
 * Tracks which users are at which resources. One user is one member, whatever the number of their connections.
 *
 * Entries belong to connections. A connection that left is gone at once; a lost one counts until `ttlMs` later, unless
 * {@link PresenceTracker.cleanupStale} is asked earlier.
 */
export interface PresenceTracker {
  /** A connection is at a resource. Joining again replaces what it said. Lost connections of the same user give way. */
  join(
    resource: string,
    connectionId: string,
    person: Person,
    metadata?: Readonly<Record<string, unknown>>,
  ): void
  /** Replaces the metadata of a connection. False when it has not joined. */
  update(resource: string, connectionId: string, metadata: Readonly<Record<string, unknown>>): boolean
  /** A sign of activity. False when it has not joined. */
  heartbeat(resource: string, connectionId: string, activity?: Activity): boolean
  /** Gone at once. False when it had not joined. */
  leave(resource: string, connectionId: string): boolean
  /** The connection dropped: it counts for `ttlMs` more. Answers where it was. */
  lose(connectionId: string): readonly string[]
  /** Everybody at a resource, by id. */
  getPresent(resource: string): readonly Member[]
  /** Where a connection has joined. */
  resourcesOf(connectionId: string): readonly string[]
  /** Removes what was lost longer ago than `ttlMs`, and answers what that was. */
  cleanupStale(): readonly StaleEntry[]
  /** Milliseconds until the next entry becomes stale; `null` when none will. */
  nextStaleInMs(): number | null
}

/** @throws DnrError `bad_option`; the methods throw `bad_metadata` */
export function createPresenceTracker(options: PresenceTrackerOptions): PresenceTracker {
  const { clock, ttlMs = 30_000, maxMetadataBytes = 1_024 } = options
  if (!(ttlMs >= 0)) throw new DnrError('bad_option', `ttlMs is ${ttlMs}: expected milliseconds, 0 or more.`)
  const rooms = new Map<string, Map<string, Meta>>()
  const resourcesByConnection = new Map<string, Set<string>>()
  const lost = new Map<string, number>()

  const put = (resource: string, meta: Meta): void => {
    const room = rooms.get(resource) ?? new Map<string, Meta>()
    rooms.set(resource, room)
    // Taken out first, so that the order of the map is that of joins and updates.
    room.delete(meta.connectionId)
    room.set(meta.connectionId, meta)
    const resources = resourcesByConnection.get(meta.connectionId) ?? new Set()
    resourcesByConnection.set(meta.connectionId, resources.add(resource))
  }
  const remove = (resource: string, connectionId: string): boolean => {
    const room = rooms.get(resource)
    if (room === undefined || !room.delete(connectionId)) return false
    if (room.size === 0) rooms.delete(resource)
    const resources = resourcesByConnection.get(connectionId)
    resources?.delete(resource)
    if (resources?.size === 0) {
      resourcesByConnection.delete(connectionId)
      lost.delete(connectionId)
    }
    return true
  }
  const change = (resource: string, connectionId: string, patch: Partial<Meta>): boolean => {
    const meta = rooms.get(resource)?.get(connectionId)
    if (meta === undefined) return false
    const changed = { ...meta, ...patch, lastSeen: clock.now() }
    if (patch.metadata === undefined) rooms.get(resource)?.set(connectionId, changed)
    else put(resource, changed)
    return true
  }
  const check = (metadata: Readonly<Record<string, unknown>>): void => {
    const bytes = utf8Bytes(JSON.stringify(metadata))
    if (bytes > maxMetadataBytes) {
      throw new DnrError(
        'bad_metadata',
        `The metadata has ${bytes} bytes of JSON; at most ${maxMetadataBytes} are allowed.`,
      )
    }
  }

  return {
    join(resource, connectionId, person, metadata = {}) {
      check(metadata)
      const returning = [...(rooms.get(resource)?.values() ?? [])].filter(
        (meta) => meta.person.id === person.id && meta.lostAt !== null,
      )
      put(resource, {
        connectionId,
        person,
        metadata,
        activity: 'active',
        lastSeen: clock.now(),
        lostAt: null,
      })
      for (const meta of returning) remove(resource, meta.connectionId)
    },
    update(resource, connectionId, metadata) {
      check(metadata)
      return change(resource, connectionId, { metadata })
    },
    heartbeat: (resource, connectionId, activity = 'active') => change(resource, connectionId, { activity }),
    leave: remove,
    lose(connectionId) {
      const resources = [...(resourcesByConnection.get(connectionId) ?? [])]
      const lostAt = clock.monotonic()
      for (const resource of resources) {
        const meta = rooms.get(resource)?.get(connectionId)
        if (meta !== undefined) rooms.get(resource)?.set(connectionId, { ...meta, lostAt })
      }
      if (resources.length > 0) lost.set(connectionId, lostAt)
      return resources
    },
    getPresent: (resource) => membersOf(rooms.get(resource) ?? EMPTY),
    resourcesOf: (connectionId) => [...(resourcesByConnection.get(connectionId) ?? [])],
    cleanupStale() {
      const removed: StaleEntry[] = []
      for (const [connectionId, lostAt] of lost) {
        if (clock.monotonic() - lostAt < ttlMs) break // in the order in which they were lost
        for (const resource of resourcesByConnection.get(connectionId) ?? []) {
          const userId = rooms.get(resource)?.get(connectionId)?.person.id ?? ''
          remove(resource, connectionId)
          removed.push({ resource, userId, connectionId })
        }
      }
      return removed
    },
    nextStaleInMs() {
      const [first] = lost.values()
      return first === undefined ? null : Math.max(0, first + ttlMs - clock.monotonic())
    },
  }
}

const EMPTY: Room = new Map()
