// Who is here: the people at my team's board, and for an admin, who sees every team's tasks, those at the other boards.
import type { JoinedRoom, PresenceManager, PresenceRoom } from '@dnr/presence/client'
import type { Member } from '@dnr/protocol'
import { computed, effect, type ReadonlySignal, signal } from '@preact/signals-core'
import type { User } from '../../shared/user.ts'

export interface People {
  /** Each person once, whatever the number of boards; those of my own first. */
  readonly members: ReadonlySignal<readonly Member[]>
  stop(): void
}

export interface PeopleOptions {
  readonly presence: PresenceManager
  readonly room: JoinedRoom
  readonly team: ReadonlySignal<string>
  /** Whose boards are looked on. */
  readonly everybody: ReadonlySignal<readonly User[]>
}

export function createPeople({ presence, room, team, everybody }: PeopleOptions): People {
  const watched = signal<ReadonlyMap<string, PresenceRoom>>(new Map())
  const watch = (teams: ReadonlySet<string>): void => {
    const known = watched.peek()
    for (const [each, left] of known) if (!teams.has(each)) left.leave()
    watched.value = new Map(
      [...teams].map((each) => [each, known.get(each) ?? presence.watch(`board/${each}`)] as const),
    )
  }
  const stopFollowing = effect(() => {
    const teams = everybody.value.map((each) => each.team)
    watch(new Set(teams.filter((each) => each !== team.value)))
  })
  return {
    members: computed(() => {
      const rooms: readonly PresenceRoom[] = [room, ...watched.value.values()]
      const byId = new Map<string, Member>()
      for (const { members } of rooms)
        for (const member of members.value) if (!byId.has(member.id)) byId.set(member.id, member)
      return [...byId.values()]
    }),
    stop() {
      stopFollowing()
      watch(new Set())
    },
  }
}
