// Who is at which resource. Pure: it takes `now` and touches no socket, timer or clock. Next: presence-tracker.ts holds
// it, server-plugin/ tells the others what changed.
import type { Activity, Member } from '@dnr/protocol'

/** Who somebody is: from the session, never from a message. */
export interface Person {
  readonly id: string
  readonly name: string
}

/** What one of a person's connections says of itself at one resource. */
export interface Meta {
  readonly connectionId: string
  readonly person: Person
  readonly metadata: Readonly<Record<string, unknown>>
  readonly activity: Activity
  /** Wall clock of the last sign of activity, milliseconds since the epoch. */
  readonly lastSeen: number
  /** When it was lost, by `Clock.monotonic`; `null` while it is connected. */
  readonly lostMark: number | null
}

/** Metas of one resource, in the order in which their connections joined or updated. */
export type Room = ReadonlyMap<string, Meta>

/** What a change of a room means to those who watch it. Each user stands in at most one of the lists. */
export interface RoomDiff {
  readonly joined: readonly Member[]
  readonly updated: readonly Member[]
  readonly left: readonly Member[]
}

const LIVELIEST: Readonly<Record<Activity, number>> = { active: 2, idle: 1, away: 0 }

/** The members of a room: one a person, whatever the number of their connections, in the order of their ids. */
export function membersOf(room: Room): readonly Member[] {
  const metasByUser = new Map<string, Meta[]>()
  for (const meta of room.values()) {
    const metas = metasByUser.get(meta.person.id)
    if (metas === undefined) metasByUser.set(meta.person.id, [meta])
    else metas.push(meta)
  }
  return [...metasByUser.values()].map(memberOf).sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** What one or several metas of one person amount to; connected ones count before lost ones. */
export function memberOf(metas: readonly Meta[]): Member {
  const connected = metas.filter((meta) => meta.lostMark === null)
  const counted = connected.length > 0 ? connected : metas
  const latest = counted.at(-1) as Meta
  const state = counted.reduce<Activity>(
    (best, { activity }) => (LIVELIEST[activity] > LIVELIEST[best] ? activity : best),
    'away',
  )
  return {
    id: latest.person.id,
    name: latest.person.name,
    lastSeen: Math.max(...counted.map((meta) => meta.lastSeen)),
    state,
    connections: counted.length,
    metadata: latest.metadata,
  }
}

/** What changed for those who watch. `lastSeen` alone is no change: it would be a message for every heartbeat. */
export function diffMembers(before: readonly Member[], after: readonly Member[]): RoomDiff {
  const known = new Map(before.map((member) => [member.id, member]))
  const joined: Member[] = []
  const updated: Member[] = []
  for (const member of after) {
    const earlier = known.get(member.id)
    known.delete(member.id)
    if (earlier === undefined) joined.push(member)
    else if (!isAlike(earlier, member)) updated.push(member)
  }
  return { joined, updated, left: [...known.values()] }
}

/** Do both look the same to those who watch? When somebody was last seen does not count. */
export function isAlike(a: Member, b: Member): boolean {
  if (a === b) return true
  return (
    a.name === b.name &&
    a.state === b.state &&
    a.connections === b.connections &&
    (a.metadata === b.metadata || JSON.stringify(a.metadata) === JSON.stringify(b.metadata))
  )
}
