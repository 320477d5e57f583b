// The people's side of one tab: the boards that it is at or looks at, the rooms that it hears. Holds what is open; what it says
// there goes over the tab's own client.
import type { RealtimeClient, Subscription } from '@dnr/client'
import { createPresenceManager, type JoinedRoom, type PresenceRoom } from '@dnr/presence/client'
import type { Activity, Clock } from '@dnr/protocol'
import { boardOf, resourceOf, type TalkChannel } from '../channels.ts'
import type { Entities } from '../entities.ts'

/** A board as a tab shows it. */
export interface OpenBoard {
  readonly team: string
  readonly room: PresenceRoom
  /** The one that the room shares: it tells a board that was refused from one that is not there yet. */
  readonly subscription: Subscription
  /** `null`: it only looks on. */
  readonly joined: JoinedRoom | null
}

export interface SimPeople {
  readonly boards: ReadonlyMap<string, OpenBoard>
  join(team: string, card: string): void
  watch(team: string): void
  /** Says at which card somebody is. */
  point(team: string, card: string): void
  beat(team: string, state: Activity): void
  leave(team: string): void
  /** Comes back to a board that it has left, in the same way. */
  reopen(board: OpenBoard): void
  /** Past the manager, at a board that is not open. */
  bareJoin(team: string, card: string): void
  bareLeave(team: string): void
  hear(channel: TalkChannel): void
  unhear(channel: TalkChannel): void
  talk(channel: TalkChannel, text: string): void
  close(): void
}

export function createSimPeople(client: RealtimeClient<Entities>, clock: Clock): SimPeople {
  const manager = createPresenceManager({ transport: client, clock, staleAfterMs: 5_000 })
  const boards = new Map<string, OpenBoard>()
  const rooms = new Map<TalkChannel, Subscription>()
  let asked = 0

  const leave = (team: string): void => {
    const board = boards.get(team)
    board?.room.leave()
    board?.subscription.unsubscribe()
    boards.delete(team)
  }
  const open = (team: string, room: PresenceRoom, joined: JoinedRoom | null): void => {
    const subscription = client.subscribe(boardOf(team), {})
    boards.set(team, { team, room, joined, subscription })
  }
  const join = (team: string, card: string): void => {
    leave(team)
    const joined = manager.join(resourceOf(team), { metadata: { card } })
    open(team, joined, joined)
  }
  const watch = (team: string): void => {
    leave(team)
    open(team, manager.watch(resourceOf(team)), null)
  }
  const sayBare = (type: string, team: string, payload?: object): void => {
    if (boards.has(team)) return
    client.send({ type, channel: boardOf(team), payload, requestId: `bare_${++asked}` } as never)
  }

  return {
    boards,
    join,
    watch,
    leave,
    point: (team, card) => boards.get(team)?.joined?.update({ card }),
    beat: (team, state) => boards.get(team)?.joined?.heartbeat(state),
    reopen({ team, joined }) {
      if (joined === null) watch(team)
      else join(team, 'back')
    },
    bareJoin: (team, card) => sayBare('presence:join', team, { metadata: { card } }),
    bareLeave: (team) => sayBare('presence:leave', team),
    hear(channel) {
      if (!rooms.has(channel)) rooms.set(channel, client.subscribe(channel, {}))
    },
    unhear(channel) {
      rooms.get(channel)?.unsubscribe()
      rooms.delete(channel)
    },
    talk: (channel, text) => void client.send({ type: 'message', channel, payload: { text } }),
    close() {
      for (const team of boards.keys()) leave(team)
      manager.close()
      for (const room of rooms.values()) room.unsubscribe()
      rooms.clear()
    },
  }
}
