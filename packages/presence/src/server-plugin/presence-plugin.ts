// Presence as a feature of the server. Holds the tracker and who was last told what; sockets, channels and permissions are
// the host's. Changes of one turn of the event loop reach the watchers of a resource as one message of each kind.
import {
  type Channel,
  type ChannelName,
  type ClientMessage,
  type ClientMessageType,
  type Clock,
  type ErrorCode,
  type Member,
  DnrError,
  type Principal,
} from '@dnr/protocol'
import { diffMembers } from '../tracker/presence-state.ts'
import { createPresenceTracker, type PresenceTracker } from '../tracker/presence-tracker.ts'

/** What presence asks of the server. The plugin host of `@dnr/server` fits. */
export interface PresenceHost {
  readonly clock: Clock
  connection(connectionId: string): { readonly id: string; readonly principal: Principal | null } | undefined
  subscribe(
    connectionId: string,
    channel: ChannelName,
    options: { quiet: true; requestId?: string },
  ): Promise<'installed' | 'refused'>
  unsubscribe(connectionId: string, channel: ChannelName): void
  subscribers(channel: ChannelName): Iterable<string>
  send(
    connectionIds: Iterable<string>,
    message: { type: string; channel?: string; payload?: unknown; requestId?: string },
  ): void
  refuse(
    connectionId: string,
    error: { code: ErrorCode; message: string; requestId?: string; channel?: string },
  ): void
}

export interface PresenceOptions {
  /**
   * From the loss of a connection to its user's `presence:leave`, milliseconds; a return within it is neither leave nor
   * join. A close with 1000 and `presence:leave` act at once.
   * @default 30_000
   */
  readonly ttlMs?: number
  /** Largest metadata of a connection, bytes of JSON. @default 1_024 */
  readonly maxMetadataBytes?: number
}

/** A running presence plugin. */
export interface PresenceSession {
  message(connectionId: string, message: ClientMessage): Promise<void>
  subscribed(connectionId: string, channel: ChannelName): void
  unsubscribed(connectionId: string, channel: ChannelName): void
  disconnected(connectionId: string, close: { code: number }): void
  stop(): void
}

/** Presence for `createRealtimeServer({ plugins: [presence()] })`. */
export interface PresencePlugin {
  readonly name: 'presence'
  readonly messageTypes: readonly ClientMessageType[]
  readonly channelKinds: readonly Channel['kind'][]
  start(host: PresenceHost): PresenceSession
}

/**
 * Shows who is where: answers `presence:join`, `presence:update`, `presence:heartbeat` and `presence:leave`, and tells
 * everybody who is subscribed to `presence:{resource}`.
 *
 * Identity is the connection's principal. Liveness is the connection's: the server's own pings find dead ones, so
 * throttled timers of hidden tabs do not matter.
 */
export function presence(options: PresenceOptions = {}): PresencePlugin {
  return {
    name: 'presence',
    messageTypes: ['presence:join', 'presence:leave', 'presence:update', 'presence:heartbeat'],
    channelKinds: ['presence'],
    start: (host) => startPresence(host, options),
  }
}

type Addressed = { readonly channel: ChannelName; readonly resource: string; readonly requestId?: string }

function startPresence(host: PresenceHost, options: PresenceOptions): PresenceSession {
  const tracker = createPresenceTracker({ clock: host.clock, ...options })
  const toldByResource = new Map<string, readonly Member[]>()
  const dirty = new Set<string>()
  let cancelSweep = (): void => {}
  let stopped = false

  const touch = (resource: string): void => {
    if (dirty.size === 0) void Promise.resolve().then(tellAll)
    dirty.add(resource)
  }
  const tellAll = (): void => {
    const resources = [...dirty]
    dirty.clear()
    if (!stopped) for (const resource of resources) tell(resource)
  }
  const tell = (resource: string): void => {
    const members = tracker.getPresent(resource)
    const { joined, updated, left } = diffMembers(toldByResource.get(resource) ?? [], members)
    if (members.length > 0) toldByResource.set(resource, members)
    else toldByResource.delete(resource)
    const channel = channelOf(resource)
    const say = (type: string, users: readonly Member[], except: ReadonlySet<string>): void => {
      if (users.length > 0) host.send(others(channel, except), { type, channel, payload: { users } })
    }
    say('presence:join', joined, synced.get(resource) ?? NOBODY)
    say('presence:update', updated, synced.get(resource) ?? NOBODY)
    say('presence:leave', left, NOBODY)
    synced.delete(resource)
  }
  // Whoever got a sync in this turn knows already.
  const synced = new Map<string, Set<string>>()
  function* others(channel: ChannelName, except: ReadonlySet<string>): Iterable<string> {
    for (const id of host.subscribers(channel)) if (!except.has(id)) yield id
  }
  const sync = (connectionId: string, { channel, resource, requestId }: Addressed): void => {
    const payload = { users: tracker.getPresent(resource) }
    host.send([connectionId], {
      type: 'presence:sync',
      channel,
      payload,
      ...(requestId !== undefined && { requestId }),
    })
    if (dirty.has(resource)) synced.set(resource, (synced.get(resource) ?? new Set()).add(connectionId))
  }

  const join = async (
    connectionId: string,
    address: Addressed,
    metadata: Readonly<Record<string, unknown>>,
  ): Promise<void> => {
    const { channel, resource, requestId } = address
    const outcome = await host.subscribe(connectionId, channel, {
      quiet: true,
      ...(requestId !== undefined && { requestId }),
    })
    const principal = host.connection(connectionId)?.principal
    if (outcome === 'refused' || !principal) return
    tracker.join(resource, connectionId, { id: principal.id, name: principal.name ?? principal.id }, metadata)
    touch(resource)
    sync(connectionId, address)
  }
  const leave = (connectionId: string, { channel, resource, requestId }: Addressed): void => {
    const me = host.connection(connectionId)?.principal?.id
    const users = tracker.getPresent(resource).filter(({ id }) => id === me)
    if (tracker.leave(resource, connectionId)) touch(resource)
    host.unsubscribe(connectionId, channel)
    host.send([connectionId], {
      type: 'presence:leave',
      channel,
      payload: { users },
      ...(requestId !== undefined && { requestId }),
    })
  }
  const refuse = (connectionId: string, address: Addressed, code: ErrorCode, message: string): void =>
    host.refuse(connectionId, {
      code,
      message,
      channel: address.channel,
      ...(address.requestId !== undefined && { requestId: address.requestId }),
    })
  const touchOrRefuse = (connectionId: string, address: Addressed, hasJoined: boolean): void => {
    if (hasJoined) touch(address.resource)
    else refuse(connectionId, address, 'not_joined', `Join ${address.channel} with presence:join first.`)
  }

  const handle = (connectionId: string, message: ClientMessage, address: Addressed): void | Promise<void> => {
    switch (message.type) {
      case 'presence:join':
        return join(connectionId, address, message.payload?.metadata ?? {})
      case 'presence:leave':
        return leave(connectionId, address)
      case 'presence:update':
        return touchOrRefuse(
          connectionId,
          address,
          tracker.update(address.resource, connectionId, message.payload.metadata),
        )
      case 'presence:heartbeat':
        return touchOrRefuse(
          connectionId,
          address,
          tracker.heartbeat(address.resource, connectionId, message.payload?.state),
        )
      default:
        return undefined
    }
  }

  return {
    async message(connectionId, message) {
      const address = addressOf(message)
      if (address === null) return
      try {
        await handle(connectionId, message, address)
      } catch (error) {
        if (!(error instanceof DnrError)) throw error
        refuse(connectionId, address, error.code, error.message)
      }
    },
    subscribed(connectionId, channel) {
      sync(connectionId, { channel, resource: resourceOf(channel) })
    },
    unsubscribed(connectionId, channel) {
      if (tracker.leave(resourceOf(channel), connectionId)) touch(resourceOf(channel))
    },
    disconnected(connectionId, { code }) {
      if (code === 1000) {
        for (const resource of tracker.resourcesOf(connectionId)) {
          tracker.leave(resource, connectionId)
          touch(resource)
        }
        return
      }
      // Another connection of the same user goes on counting; only the number of connections changes at once.
      for (const resource of tracker.lose(connectionId)) touch(resource)
      sweepLater(tracker)
    },
    stop() {
      stopped = true
      cancelSweep()
    },
  }

  function sweepLater(of: PresenceTracker): void {
    cancelSweep()
    const delayMs = of.nextStaleInMs()
    if (delayMs === null || stopped) return
    cancelSweep = host.clock.setTimeout(() => {
      for (const { resource } of of.cleanupStale()) touch(resource)
      sweepLater(of)
    }, delayMs)
  }
}

const NOBODY: ReadonlySet<string> = new Set()

function channelOf(resource: string): ChannelName {
  return `presence:${resource}`
}

function resourceOf(channel: string): string {
  return channel.slice('presence:'.length)
}

function addressOf(message: ClientMessage): Addressed | null {
  if (!('channel' in message) || !message.channel.startsWith('presence:')) return null
  const channel = message.channel as ChannelName
  return {
    channel,
    resource: resourceOf(channel),
    ...(message.requestId !== undefined && { requestId: message.requestId }),
  }
}
