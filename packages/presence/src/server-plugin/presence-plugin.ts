// Presence as a feature of the server. Holds the tracker; sockets, channels and permissions are the
// host's. Next: telling.ts, which gathers what changed and tells the others.
import { type ChannelName, type ClientMessage, DnrError, reconnectAdvice } from '@dnr/protocol'
import { checkMetadata, DEFAULT_MAX_METADATA_BYTES, type Metadata } from '../tracker/metadata.ts'
import { isAlike } from '../tracker/presence-state.ts'
import { createPresenceTracker } from '../tracker/presence-tracker.ts'
import { createInTurn } from './in-turn.ts'
import { personOf } from './person.ts'
import type { Address, PresenceHost, PresencePlugin, PresenceSession } from './presence-host.ts'
import { createTelling, type PresenceView } from './telling.ts'

export interface PresenceOptions {
  /**
   * From the loss of a connection to its user's `presence:leave`, milliseconds; a return within it is neither leave nor
   * join. `presence:leave`, a close with 1000 and a user's being signed out act at once.
   * @default 30_000
   */
  readonly ttlMs?: number
  /** Largest metadata of a connection, bytes of JSON; more is refused with `bad_metadata`. @default 1_024 */
  readonly maxMetadataBytes?: number
  /** Users at one resource; one more is refused with `busy`. `Infinity`: no limit. @default 5_000 */
  readonly maxMembersPerResource?: number
  /**
   * What one user sees of another at the same resource: the member, a copy with less in it, or `null` for nothing. Asked
   * when there is something to tell; costs a call for each pair and an encoding for each viewer. Sessions of one user are one
   * viewer where their principals say the same, and several where they do not. Throwing hides.
   * @default everything: all watchers share one encoded message
   */
  readonly view?: PresenceView
}

/**
 * Shows who is where: answers `presence:join`, `presence:update`, `presence:heartbeat` and `presence:leave`, and tells
 * everybody who is subscribed to `presence:{resource}`.
 *
 * Identity is the connection's principal. Liveness is the connection's: the server's own pings find dead ones, so
 * throttled timers of hidden tabs do not matter.
 *
 * @throws DnrError `bad_option`, when the server starts it.
 */
export function presence(options: PresenceOptions = {}): PresencePlugin {
  return {
    name: 'presence',
    messageTypes: ['presence:join', 'presence:leave', 'presence:update', 'presence:heartbeat'],
    channelKinds: ['presence'],
    start: (host) => startPresence(host, options),
  }
}

function startPresence(host: PresenceHost, options: PresenceOptions): PresenceSession {
  const { maxMetadataBytes = DEFAULT_MAX_METADATA_BYTES, view = null } = options
  const tracker = createPresenceTracker({ clock: host.clock, ...options })
  const telling = createTelling({ host, view, present: tracker.getPresent, count: tracker.countPresent })
  const turns = createInTurn()
  const asking = new Map<string, Address>() // who waits for a permission
  let cancelSweep = (): void => {}

  const userIdOf = (connectionId: string): string => host.connection(connectionId)?.principal?.id ?? ''

  /**
   * May they be here, by the rights of today? A refusal has been answered.
   *
   * @throws DnrError `cancelled`, when they left or unsubscribed before the answer.
   */
  const admit = async (address: Address): Promise<boolean> => {
    const { connectionId, channel, requestId } = address
    const key = keyOf(connectionId, channel)
    asking.set(key, address)
    const outcome = await host.subscribe(connectionId, channel, {
      quiet: true,
      ...(requestId === undefined ? {} : { requestId }),
    })
    const isWanted = asking.get(key) === address
    if (isWanted) asking.delete(key)
    if (outcome === 'refused') return false
    if (!isWanted) throw new DnrError('cancelled', 'You left, or unsubscribed, before the answer.')
    return true
  }

  const join = async (address: Address, metadata: Metadata): Promise<void> => {
    const { connectionId, resource } = address
    if (!(await admit(address))) return
    const principal = host.connection(connectionId)?.principal
    if (principal == null) return
    try {
      tracker.join(resource, connectionId, personOf(principal), metadata)
    } catch (error) {
      host.unsubscribe(connectionId, address.channel)
      throw error
    }
    telling.owe(address)
  }

  const leave = (address: Address): void => {
    const { connectionId, channel, resource, requestId } = address
    telling.settle(connectionId, resource)
    const member = tracker.getMember(resource, userIdOf(connectionId))
    const hasLeft = end(connectionId, resource)
    // A join subscribes, so a leave unsubscribes.
    host.unsubscribe(connectionId, channel)
    // Who is still here with another connection has not left for those who watch.
    const isGone = hasLeft && tracker.getMember(resource, userIdOf(connectionId)) === null
    const users = isGone && member !== null ? [member] : []
    host.send([connectionId], {
      type: 'presence:leave',
      channel,
      payload: { users },
      ...(requestId === undefined ? {} : { requestId }),
    })
  }

  /** Whoever is seen is gone at once: what waits for a permission, for a minute when a rule fails, is not waited for. */
  const leaveAtOnce = (address: Address): void => {
    const key = keyOf(address.connectionId, address.channel)
    turns.cancel(key)
    asking.delete(key)
    leave(address)
  }

  /** Who is not seen yet leaves in turn, after the join; unless there is no room to wait. */
  const leavesAtOnce = ({ connectionId, channel, resource }: Address): boolean =>
    tracker.resourcesOf(connectionId).includes(resource) || !turns.hasRoom(keyOf(connectionId, channel))

  /** What somebody says of themselves waits, as a join does, while it is asked whether they may still be here. */
  const update = async (address: Address, metadata: Metadata): Promise<void> => {
    const { connectionId, channel, resource } = address
    if (!tracker.resourcesOf(connectionId).includes(resource)) throw notJoined(channel)
    if (!(await admit(address))) return
    change(address, () => tracker.update(resource, connectionId, metadata))
  }

  /** Changes what somebody says of themselves; the others hear of it if they would notice. */
  const change = ({ connectionId, channel, resource }: Address, apply: () => boolean): void => {
    const userId = userIdOf(connectionId)
    const before = tracker.getMember(resource, userId)
    if (!apply()) throw notJoined(channel)
    const after = tracker.getMember(resource, userId)
    if (before === null || after === null || !isAlike(before, after)) telling.touch(resource)
  }

  const end = (connectionId: string, resource: string): boolean => {
    const hasLeft = tracker.leave(resource, connectionId)
    if (hasLeft) telling.touch(resource)
    return hasLeft
  }

  /** It needs to know who is here; and its session may have been renewed since it joined, under another name. */
  const greet = (connectionId: string, channel: ChannelName): void => {
    const resource = resourceOf(channel)
    const principal = host.connection(connectionId)?.principal
    if (principal != null && tracker.rename(resource, connectionId, personOf(principal).name))
      telling.touch(resource)
    telling.owe({ connectionId, channel, resource, requestId: undefined })
  }

  const handle = (address: Address, message: ClientMessage): void | Promise<void> => {
    const { resource, connectionId } = address
    if (host.connection(connectionId) === undefined) return
    switch (message.type) {
      case 'presence:join':
        return join(address, metadataOf(message))
      case 'presence:leave':
        return leave(address)
      case 'presence:update':
        return update(address, metadataOf(message))
      case 'presence:heartbeat':
        return change(address, () => tracker.heartbeat(resource, connectionId, message.payload?.state))
      default:
        return undefined
    }
  }

  const refuse = ({ connectionId, channel, requestId }: Address, error: unknown): void => {
    if (!(error instanceof DnrError)) throw error
    refuseWith(host, connectionId, error, channel, requestId)
  }

  const attend = (address: Address, task: () => void | Promise<void>): void | Promise<void> => {
    try {
      const result = task()
      return result instanceof Promise ? result.catch((error: unknown) => refuse(address, error)) : result
    } catch (error) {
      return refuse(address, error)
    }
  }

  const sweepLater = (): void => {
    cancelSweep()
    const delayMs = tracker.nextStaleInMs()
    if (delayMs === null) return
    cancelSweep = host.clock.setTimeout(() => {
      for (const { resource } of tracker.cleanupStale()) telling.touch(resource)
      sweepLater()
    }, delayMs)
  }

  return {
    message(connectionId, message) {
      const address = addressOf(connectionId, message)
      if (address === null) {
        const { channel, requestId } = message as { channel?: string; requestId?: string }
        const error = new DnrError('bad_channel', 'Presence is at presence:{resource}.')
        return refuseWith(host, connectionId, error, channel, requestId)
      }
      return attend(address, () => {
        // Before it waits for its turn, as long as a rule fails: what waits is small.
        checkMetadata(metadataOf(message), maxMetadataBytes)
        if (message.type === 'presence:leave' && leavesAtOnce(address)) return leaveAtOnce(address)
        return turns.run(keyOf(connectionId, address.channel), () => handle(address, message))
      })
    },
    subscribed: greet,
    rechecked: greet,
    unsubscribed(connectionId, channel) {
      const resource = resourceOf(channel)
      asking.delete(keyOf(connectionId, channel))
      telling.forget(connectionId, resource)
      end(connectionId, resource)
    },
    disconnected(connectionId, { code, reason, silentMs = 0 }) {
      if (isOnPurpose(code, reason)) {
        for (const resource of tracker.resourcesOf(connectionId)) end(connectionId, resource)
        return
      }
      // Another connection of the same user goes on counting; only the number of connections changes at once.
      for (const resource of tracker.lose(connectionId, silentMs)) telling.touch(resource)
      sweepLater()
    },
    signedOut(userId) {
      for (const resource of tracker.leaveEverywhere(userId)) telling.touch(resource)
      sweepLater()
    },
    stop() {
      cancelSweep()
      telling.stop()
    },
  }
}

/** Closed by its user, or sent away for good: there is no return to wait for. */
function isOnPurpose(code: number, reason: string | undefined): boolean {
  return code === 1000 || reason === 'token_revoked' || reconnectAdvice(code) === 'no'
}

function addressOf(connectionId: string, message: ClientMessage): Address | null {
  if (!('channel' in message) || !message.channel.startsWith(PREFIX)) return null
  const channel = message.channel as ChannelName
  return { connectionId, channel, resource: resourceOf(channel), requestId: message.requestId }
}

function metadataOf(message: ClientMessage): Metadata {
  const says = message.type === 'presence:join' || message.type === 'presence:update'
  return (says ? message.payload?.metadata : undefined) ?? {}
}

const PREFIX = 'presence:'

function resourceOf(channel: string): string {
  return channel.slice(PREFIX.length)
}

function notJoined(channel: ChannelName): DnrError {
  return new DnrError('not_joined', `Join ${channel} with presence:join first.`)
}

function keyOf(connectionId: string, channel: ChannelName): string {
  return `${connectionId} ${channel}`
}

function refuseWith(
  host: PresenceHost,
  connectionId: string,
  { code, message, retryAfterMs }: DnrError,
  channel: string | undefined,
  requestId: string | undefined,
): void {
  host.refuse(connectionId, {
    code,
    message,
    ...(channel === undefined ? {} : { channel }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}
