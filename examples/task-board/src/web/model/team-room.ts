// Who is at my team's board. One room to the rest of the page, whichever team that is: what I say of myself comes along.
import type { JoinedRoom, PresenceManager } from '@dnr/presence/client'
import type { Activity } from '@dnr/protocol'
import { computed, effect, type ReadonlySignal, signal } from '@preact/signals-core'

export function createTeamRoom(presence: PresenceManager, team: ReadonlySignal<string>): JoinedRoom {
  let said: Parameters<JoinedRoom['update']>[0] = {}
  let activity: Activity = 'active'
  let entered = team.peek()
  const room = signal(presence.join(`board/${entered}`))

  const stopFollowing = effect(() => {
    const next = team.value
    if (next === entered) return
    entered = next
    room.peek().leave()
    const joined = presence.join(`board/${next}`, { metadata: said })
    joined.heartbeat(activity)
    room.value = joined
  })
  return {
    members: computed(() => room.value.members.value),
    stale: computed(() => room.value.stale.value),
    error: computed(() => room.value.error.value),
    update(metadata) {
      said = metadata
      room.peek().update(metadata)
    },
    heartbeat(next = 'active') {
      activity = next
      room.peek().heartbeat(next)
    },
    leave() {
      stopFollowing()
      room.peek().leave()
    },
  }
}
