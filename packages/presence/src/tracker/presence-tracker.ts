// Holds the rooms and moves them. No timer: whoever owns it calls `cleanupStale`. Next: server-plugin/, or your own.
import { type Activity, type Clock, DnrError, type Member } from '@dnr/protocol'
import { checkMetadata, DEFAULT_MAX_METADATA_BYTES, type Metadata } from './metadata.ts'
import { memberOf, type Meta, type Person } from './presence-state.ts'

export interface PresenceTrackerOptions {
  readonly clock: Pick<Clock, 'now' | 'monotonic'>
  /** How long somebody whose connection was lost still counts, milliseconds. @default 30_000 */
  readonly ttlMs?: number
  /** Largest metadata of a connection, bytes of JSON. More is refused with `bad_metadata`. @default 1_024 */
  readonly maxMetadataBytes?: number
  /** Users at one resource; one more is refused with `busy`. `Infinity`: no limit. @default 5_000 */
  readonly maxMembersPerResource?: number
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
 * the same user comes back. Nothing is removed but by a call: {@link PresenceTracker.cleanupStale} is the owner's to make.
 */
export interface PresenceTracker {
  /**
   * A connection is at a resource. Joining again replaces what it said. Lost connections of the same user give way.
   *
   * @throws DnrError `bad_metadata` or `busy`; nothing has changed then.
   */
  join(resource: string, connectionId: string, person: Person, metadata?: Metadata): void
  /** Replaces the metadata of a connection. False when it has not joined. @throws DnrError `bad_metadata` */
  update(resource: string, connectionId: string, metadata: Metadata): boolean
  /** Who a connection is of may have another name by now. False when it has not joined, or nothing has changed. */
  rename(resource: string, connectionId: string, name: string): boolean
  /** How active a connection is; `active` also says that it was seen. False when it has not joined. @default active */
  heartbeat(resource: string, connectionId: string, activity?: Activity): boolean
  /** Gone at once. False when it had not joined. */
  leave(resource: string, connectionId: string): boolean
  /**
   * The connection dropped: it counts for `ttlMs` more. `silentMs`: how long before this call it was last alive, which
   * the time-out includes. Answers where it was.
   */
  lose(connectionId: string, silentMs?: number): readonly string[]
  /** A user is gone at once, with all of their connections, lost ones too. Answers where they were. */
  leaveEverywhere(userId: string): readonly string[]
  /** Everybody at a resource, by id. */
  getPresent(resource: string): readonly Member[]
  /** One user at a resource; `null` when not there. */
  getMember(resource: string, userId: string): Member | null
  /** How many users are at a resource. */
  countPresent(resource: string): number
  /** Where a connection has joined. */
  resourcesOf(connectionId: string): readonly string[]
  /** Removes what was lost longer ago than `ttlMs`, and answers what that was. */
  cleanupStale(): readonly StaleEntry[]
  /** Milliseconds until the next entry becomes stale; `null` when none will. */
  nextStaleInMs(): number | null
}

/** One user at one resource: the metas of their connections, and what these amount to. */
interface Seat {
  readonly metas: Map<string, Meta>
  member: Member
}

/** @throws DnrError `bad_option` naming option, value and range. */
export function createPresenceTracker(options: PresenceTrackerOptions): PresenceTracker {
  const { clock, ttlMs = 30_000, maxMetadataBytes = DEFAULT_MAX_METADATA_BYTES } = options
  const { maxMembersPerResource = 5_000 } = options
  checkOption('ttlMs', ttlMs, 'milliseconds, 0')
  checkOption('maxMetadataBytes', maxMetadataBytes, 'bytes, 0')
  checkOption('maxMembersPerResource', maxMembersPerResource, 'users, 0')
  const seatsByResource = new Map<string, Map<string, Seat>>()
  const userIdsByConnection = new Map<string, Map<string, string>>() // by resource
  /** Until when the lost ones count: one sum for who asks when and for who asks whether, or rounding sets them at odds. */
  const staleMarkByConnection = new Map<string, number>()

  const seatOf = (resource: string, connectionId: string): Seat | undefined => {
    const userId = userIdsByConnection.get(connectionId)?.get(resource)
    return userId === undefined ? undefined : seatsByResource.get(resource)?.get(userId)
  }
  const sit = (resource: string, meta: Meta): Seat => {
    const seats = seatsByResource.get(resource) ?? new Map<string, Seat>()
    seatsByResource.set(resource, seats)
    const seat = seats.get(meta.person.id) ?? { metas: new Map(), member: memberOf([meta]) }
    seats.set(meta.person.id, seat)
    const userIds = userIdsByConnection.get(meta.connectionId) ?? new Map<string, string>()
    userIdsByConnection.set(meta.connectionId, userIds.set(resource, meta.person.id))
    return seat
  }
  /** Puts a meta into its place; `isLatest` makes it the last, whose metadata is shown. */
  const place = (seat: Seat, meta: Meta, isLatest: boolean): void => {
    if (isLatest) seat.metas.delete(meta.connectionId)
    seat.metas.set(meta.connectionId, meta)
    seat.member = memberOf([...seat.metas.values()])
  }
  const change = (
    resource: string,
    connectionId: string,
    patch: Partial<Meta>,
    isLatest: boolean,
  ): boolean => {
    const seat = seatOf(resource, connectionId)
    const meta = seat?.metas.get(connectionId)
    if (seat === undefined || meta === undefined) return false
    place(seat, { ...meta, ...patch }, isLatest)
    return true
  }
  const remove = (resource: string, connectionId: string): boolean => {
    const seat = seatOf(resource, connectionId)
    if (seat === undefined) return false
    seat.metas.delete(connectionId)
    if (seat.metas.size > 0) seat.member = memberOf([...seat.metas.values()])
    else vacate(resource, seat.member.id)
    const userIds = userIdsByConnection.get(connectionId)
    userIds?.delete(resource)
    if (userIds?.size === 0) {
      userIdsByConnection.delete(connectionId)
      staleMarkByConnection.delete(connectionId)
    }
    return true
  }
  const vacate = (resource: string, userId: string): void => {
    const seats = seatsByResource.get(resource)
    seats?.delete(userId)
    if (seats?.size === 0) seatsByResource.delete(resource)
  }
  const checkSpace = (resource: string, userId: string): void => {
    const seats = seatsByResource.get(resource)
    if (seats === undefined ? maxMembersPerResource > 0 : seats.has(userId)) return
    if ((seats?.size ?? 0) < maxMembersPerResource) return
    throw new DnrError('busy', `${maxMembersPerResource} users are here already: no more are admitted.`, {
      retryable: true,
      retryAfterMs: FULL_RETRY_MS,
    })
  }

  return {
    join(resource, connectionId, person, metadata = {}) {
      checkMetadata(metadata, maxMetadataBytes)
      checkSpace(resource, person.id)
      const now = clock.now()
      const meta: Meta = { connectionId, person, metadata, activity: 'active', lastSeen: now, lostMark: null }
      const seat = sit(resource, meta)
      place(seat, meta, true)
      for (const other of seat.metas.values()) {
        if (other.lostMark !== null) remove(resource, other.connectionId)
      }
    },
    update(resource, connectionId, metadata) {
      checkMetadata(metadata, maxMetadataBytes)
      return change(resource, connectionId, { metadata, lastSeen: clock.now() }, true)
    },
    rename(resource, connectionId, name) {
      const person = seatOf(resource, connectionId)?.metas.get(connectionId)?.person
      if (person === undefined || person.name === name) return false
      return change(resource, connectionId, { person: { ...person, name } }, false)
    },
    heartbeat(resource, connectionId, activity = 'active') {
      const seen = activity === 'active' ? { lastSeen: clock.now() } : {}
      return change(resource, connectionId, { activity, ...seen }, false)
    },
    leave: remove,
    lose(connectionId, silentMs = 0) {
      const resources = [...(userIdsByConnection.get(connectionId)?.keys() ?? [])]
      const lostMark = clock.monotonic() - silentMs
      for (const resource of resources) change(resource, connectionId, { lostMark }, false)
      if (resources.length > 0) staleMarkByConnection.set(connectionId, lostMark + ttlMs)
      return resources
    },
    leaveEverywhere(userId) {
      const left: string[] = []
      for (const [resource, seats] of seatsByResource) {
        const seat = seats.get(userId)
        if (seat === undefined) continue
        for (const connectionId of seat.metas.keys()) remove(resource, connectionId)
        left.push(resource)
      }
      return left
    },
    getPresent: (resource) =>
      [...(seatsByResource.get(resource)?.values() ?? [])].map(({ member }) => member).sort(byId),
    getMember: (resource, userId) => seatsByResource.get(resource)?.get(userId)?.member ?? null,
    countPresent: (resource) => seatsByResource.get(resource)?.size ?? 0,
    resourcesOf: (connectionId) => [...(userIdsByConnection.get(connectionId)?.keys() ?? [])],
    cleanupStale() {
      const removed: StaleEntry[] = []
      for (const [connectionId, staleMark] of staleMarkByConnection) {
        if (staleMark > clock.monotonic()) continue
        for (const [resource, userId] of userIdsByConnection.get(connectionId) ?? []) {
          remove(resource, connectionId)
          removed.push({ resource, userId, connectionId })
        }
      }
      return removed
    },
    nextStaleInMs() {
      if (staleMarkByConnection.size === 0) return null
      let first = Number.POSITIVE_INFINITY
      for (const staleMark of staleMarkByConnection.values()) first = Math.min(first, staleMark)
      return Math.max(0, first - clock.monotonic())
    },
  }
}

/** Whoever is refused for lack of space may look again after this. */
const FULL_RETRY_MS = 5_000

function byId(a: Member, b: Member): number {
  return a.id < b.id ? -1 : 1
}

function checkOption(option: string, value: number, range: string): void {
  if (value >= 0) return
  throw new DnrError('bad_option', `${option} is ${value}: expected ${range} or more.`)
}
