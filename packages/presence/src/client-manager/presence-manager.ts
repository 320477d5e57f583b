// Who is here, in a browser. Holds the members of each resource that somebody looks at; the connection is the transport's.
import { type ReadonlySignal, type Signal, signal } from '@preact/signals-core'
import type { Activity, Member, PresenceChannel, ServerMessage } from '@dnr/protocol'

/** What presence needs of a client. `RealtimeClient` of `@dnr/client` fits. */
export interface PresenceTransport {
  subscribe(
    channel: PresenceChannel,
    listener: { message?(message: ServerMessage): void; status?(status: string): void },
  ): { unsubscribe(): void }
  /** False when it could not be sent. */
  send(message: { type: string; channel?: string; payload?: unknown }): boolean
}

export interface PresenceManagerOptions {
  readonly transport: PresenceTransport
}

/** The people at one resource, as one part of the page sees them. */
export interface PresenceRoom {
  /** By id; one entry a person whatever the number of their tabs. Keeps the last known while reconnecting. */
  readonly members: ReadonlySignal<readonly Member[]>
  /** True while the connection is down: the members are the last known. */
  readonly stale: ReadonlySignal<boolean>
  /** Ends this part's interest; the last one that leaves makes the user invisible. Harmless when repeated. */
  leave(): void
}

/** A room in which this user is visible. */
export interface JoinedRoom extends PresenceRoom {
  /** Replaces what others see beside the name: at most 1 KB of JSON. */
  update(metadata: Readonly<Record<string, unknown>>): void
  /** Says how active this tab is; `active` when nothing is given. Sent only when it changed, and never queued. */
  heartbeat(activity?: Activity): void
}

/**
 * Shows who is at a resource, and is seen there.
 *
 * After a reconnect it joins again with its current metadata and takes the server's list as it is: nobody leaves and
 * comes back on the screen for it.
 *
 * @example
 * const room = createPresenceManager({ transport: client }).join('board/red', { metadata: { card: null } })
 * effect(() => render(room.members.value))
 */
export interface PresenceManager {
  join(resource: string, options?: { readonly metadata?: Readonly<Record<string, unknown>> }): JoinedRoom
  /** The same without being visible. */
  watch(resource: string): PresenceRoom
}

interface Room {
  readonly members: Signal<readonly Member[]>
  readonly stale: Signal<boolean>
  readonly joined: Set<object>
  readonly watching: Set<object>
  metadata: Readonly<Record<string, unknown>>
  activity: Activity
  live: boolean
  end(): void
}

export function createPresenceManager({ transport }: PresenceManagerOptions): PresenceManager {
  const rooms = new Map<string, Room>()

  function open(resource: string): Room {
    const known = rooms.get(resource)
    if (known) return known
    const room: Room = {
      members: signal<readonly Member[]>([]),
      stale: signal(true),
      joined: new Set(),
      watching: new Set(),
      metadata: {},
      activity: 'active',
      live: false,
      end: () => {},
    }
    rooms.set(resource, room)
    const subscription = transport.subscribe(channelOf(resource), {
      message: (message) => {
        room.members.value = applyPresence(room.members.peek(), message)
      },
      status(status) {
        const returned = status === 'live' && !room.live
        room.live = status === 'live'
        room.stale.value = !room.live
        if (returned && room.joined.size > 0) say(resource, 'presence:join', { metadata: room.metadata })
        if (returned && room.joined.size > 0 && room.activity !== 'active') beat(resource, room)
      },
    })
    room.end = () => {
      rooms.delete(resource)
      subscription.unsubscribe()
    }
    return room
  }

  const say = (resource: string, type: string, payload: unknown): boolean =>
    transport.send({ type, channel: channelOf(resource), payload })
  const beat = (resource: string, room: Room): boolean =>
    say(resource, 'presence:heartbeat', { state: room.activity })

  function leave(resource: string, room: Room, mine: object): void {
    const wasJoined = room.joined.delete(mine)
    room.watching.delete(mine)
    if (room.joined.size + room.watching.size === 0) room.end()
    // The server takes a leave as the end of the subscription, too: who goes on watching asks for it anew.
    else if (wasJoined && room.joined.size === 0 && room.live) {
      say(resource, 'presence:leave', {})
      transport.send({ type: 'subscribe', channel: channelOf(resource) })
    }
  }

  function enter(resource: string, set: 'joined' | 'watching'): { room: Room; view: PresenceRoom } {
    const room = open(resource)
    const mine = {}
    room[set].add(mine)
    return {
      room,
      view: { members: room.members, stale: room.stale, leave: () => leave(resource, room, mine) },
    }
  }

  return {
    watch: (resource) => enter(resource, 'watching').view,
    join(resource, { metadata } = {}) {
      const { room, view } = enter(resource, 'joined')
      const isFirst = room.joined.size === 1
      if (metadata) room.metadata = metadata
      if (room.live && isFirst) say(resource, 'presence:join', { metadata: room.metadata })
      else if (room.live && metadata) say(resource, 'presence:update', { metadata })
      return {
        ...view,
        update(next) {
          room.metadata = next
          if (room.live) say(resource, 'presence:update', { metadata: next })
        },
        heartbeat(activity = 'active') {
          if (activity === room.activity) return
          room.activity = activity
          if (room.live) beat(resource, room)
        },
      }
    },
  }
}

/** Members after a message of the server. `sync` replaces; the others change who they name. */
export function applyPresence(members: readonly Member[], message: ServerMessage): readonly Member[] {
  switch (message.type) {
    case 'presence:sync':
      return message.payload.users
    case 'presence:join':
    case 'presence:update':
      return [...without(members, message.payload.users), ...message.payload.users].sort((a, b) =>
        a.id < b.id ? -1 : 1,
      )
    case 'presence:leave':
      return without(members, message.payload.users)
    default:
      return members
  }
}

function without(members: readonly Member[], gone: readonly Member[]): Member[] {
  return members.filter(({ id }) => !gone.some((other) => other.id === id))
}

function channelOf(resource: string): PresenceChannel {
  return `presence:${resource}`
}
