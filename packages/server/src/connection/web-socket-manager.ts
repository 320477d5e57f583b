// Connections and their lives: from the handshake to the last frame. Holds the connections and the effects of their
// states; does not know channels' members nor a transport. Comes from the transport; next: message-router.ts.
import {
  type ChannelName,
  CLOSE_CODES,
  type Clock,
  DnrError,
  type Logger,
  parseChannel,
  type Principal,
  PROTOCOL_VERSION,
  utf8Bytes,
} from '@dnr/protocol'
import type { Channels, Refusal, SubscribeResult } from '../channel/channel-manager.ts'
import type { Limits } from '../limits/limits.ts'
import { createTokenBucket, nextTokenInMs, takeToken } from '../limits/token-bucket.ts'
import type { Frame, Handshake, ServerSocket, SocketEvents } from '../ports/server-socket.ts'
import { type Authenticate, type Credentials, isExpired, runAuthentication } from './authenticate.ts'
import { type Connection, type ConnectionView, isLive, principalOf } from './connection.ts'
import { createConnectionRegistry } from './connection-registry.ts'
import { createConnectionViews } from './connection-views.ts'
import { type ConnectionEffect, type ConnectionEvent, newConnection, transition } from './connection-state.ts'
import { createDeadlines } from './deadlines.ts'
import { encodeMessage, type OutgoingMessage } from './frame.ts'
import { createHeartbeat } from './heartbeat.ts'
import type { MessageHandler, MessageRouter } from './message-router.ts'
import { createOutgoing } from './outgoing.ts'

/** What an application says over a channel or to a user; `timestamp` is added. */
export interface ApplicationMessage {
  readonly type: string
  readonly channel?: string
  readonly payload?: unknown
  readonly requestId?: string
}

/** Connections: who is connected, and what is said to them. */
export interface WebSocketManager {
  /** Takes an accepted socket. The transport calls the returned events, on the object itself. */
  connect(socket: ServerSocket, handshake: Handshake): SocketEvents
  /** Closes a connection; harmless when there is none of that id. @default code 1000 */
  disconnect(connectionId: string, code?: number, reason?: string): void
  /** Subscribes a connection as if it had asked: policies and limits apply, and it is answered. */
  subscribe(connectionId: string, channel: ChannelName): Promise<SubscribeResult>
  /** Ends a connection's subscription, and tells it. */
  unsubscribe(connectionId: string, channel: ChannelName): void
  /**
   * Says something to everybody who hears a channel, encoded once; returns how many that were. At most once, to who is
   * connected now. Whoever may hear the channel gets it: rows go through the event bus instead, which asks the policies.
   *
   * @throws DnrError `bad_channel` for a name that is none; `bad_option` for a type that begins with `entity:`.
   */
  broadcast(
    channel: ChannelName,
    message: ApplicationMessage,
    options?: { readonly exclude?: string },
  ): number
  /** Says something to all connections of a user; returns how many. The channel is `user:{userId}` unless one is given. */
  sendToUser(userId: string, message: ApplicationMessage): number
  /** Handles messages of a type of the application's own; returns its undo. @throws DnrError `bad_option` when the type is taken. */
  handle(type: string, handler: MessageHandler): () => void
  /** May a socket from this address be accepted now? Transports ask before they accept; `connect` asks again. */
  admits(remoteAddress: string): 'yes' | 'draining' | 'too_many_connections'
  readonly connectionCount: number
  readonly channelCount: number
  /** All connections, by id, as they are now. */
  readonly connections: ReadonlyMap<string, ConnectionView>
}

/** The same with what the rest of the server needs. */
export interface Connections extends WebSocketManager {
  readonly userCount: number
  readonly framesSent: number
  readonly isDraining: boolean
  find(connectionId: string): Connection | undefined
  send(connection: Connection, frame: Frame): void
  refuse(connection: Connection, refusal: Refusal): void
  closeSlow(connection: Connection): void
  /** Closes a connection whose session is over; `false` when it is not. */
  closeExpired(connection: Connection): boolean
  authenticate(connection: Connection, token: string, requestId: string | undefined): void
  /** From now on nobody is admitted. */
  beginDraining(): void
  /** Closes every connection. */
  closeAll(code: number, reason: string): void
  all(): Iterable<Connection>
  stop(): void
}

export interface WebSocketManagerOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly limits: Limits
  readonly heartbeatIntervalMs: number
  readonly authenticate: Authenticate | null
  newId(): string
  /** The stations that are made after this one. */
  stations(): { readonly channels: Channels; readonly router: MessageRouter }
  onReleased(connection: Connection, code: number): void
}

/** How long a peer may take to answer a close. */
const CLOSE_TIMEOUT_MS = 1_000
/** Pings without an answer that mean that nobody is there. */
const MAX_UNANSWERED_PINGS = 2

export function createWebSocketManager(options: WebSocketManagerOptions): Connections {
  const { clock, logger, limits, heartbeatIntervalMs, stations } = options
  const registry = createConnectionRegistry()
  const expiring = new Set<Connection>()
  const views = createConnectionViews(registry.byId)
  let isDraining = false

  const dispatch = (connection: Connection, event: ConnectionEvent, requestId?: string): void => {
    const { state, effects } = transition(connection.state, event)
    connection.state = state
    for (const effect of effects) perform(connection, effect, requestId)
  }

  const perform = (connection: Connection, effect: ConnectionEffect, requestId: string | undefined): void => {
    switch (effect.type) {
      case 'handle':
        // An `auth` among the frames that waited makes the rest wait again.
        if (connection.state.status === 'open') return stations().router.handle(connection, effect.text)
        return dispatch(connection, { type: 'frame', text: effect.text, byteLength: utf8Bytes(effect.text) })
      case 'welcome':
        return welcome(connection, effect.principal)
      case 'welcome-back':
        return welcomeBack(connection, effect.principal, requestId)
      case 'close':
        return closeSocket(connection, effect.code, effect.reason)
      case 'release':
        return release(connection, effect.code)
    }
  }

  const welcome = (connection: Connection, principal: Principal | null): void => {
    if (!admitUser(connection, principal)) return
    const payload = {
      connectionId: connection.id,
      userId: principal?.id ?? null,
      protocolVersion: PROTOCOL_VERSION,
      heartbeatIntervalMs,
      limits: {
        maxSubscriptionsPerConnection: orNull(limits.maxSubscriptionsPerConnection),
        maxFrameBytes: orNull(limits.maxFrameBytes),
        maxMessagesPerSecond: orNull(limits.maxMessagesPerSecond),
      },
    }
    say(connection, { type: 'connected', payload })
  }

  const welcomeBack = (connection: Connection, principal: Principal, requestId: string | undefined): void => {
    if (!admitUser(connection, principal)) return
    const payload = { userId: principal.id, expiresAt: principal.expiresAt ?? null }
    say(connection, { type: 'authenticated', payload, requestId })
  }

  const admitUser = (connection: Connection, principal: Principal | null): boolean => {
    expiring.delete(connection)
    if (principal === null) return true
    const own = registry.ofUser(principal.id)
    if (own.length >= limits.maxConnectionsPerUser && !own.includes(connection)) {
      close(connection, CLOSE_CODES.tooMany, 'too_many_connections')
      return false
    }
    registry.addUser(principal.id, connection)
    if (principal.expiresAt !== undefined) expiring.add(connection)
    return true
  }

  const closeSocket = (connection: Connection, code: number, reason: string): void => {
    handshakes.remove(connection)
    closings.add(connection)
    connection.socket.close(code, reason)
  }

  const release = (connection: Connection, code: number): void => {
    handshakes.remove(connection)
    closings.remove(connection)
    heartbeat.remove(connection)
    expiring.delete(connection)
    registry.remove(connection)
    stations().channels.release(connection)
    options.onReleased(connection, code)
    logger.debug('A connection ended.', { connectionId: connection.id, code })
  }

  const close = (connection: Connection, code: number, reason: string): void =>
    dispatch(connection, { type: 'close', code, reason })

  const closeExpired = (connection: Connection): boolean => {
    const principal = principalOf(connection)
    if (principal === null || !isExpired(principal, clock.now())) return false
    close(connection, CLOSE_CODES.unauthorized, 'token_expired')
    return true
  }

  const closeSlow = (connection: Connection): void => {
    if (!isLive(connection)) return
    logger.info('A connection does not read what it is sent and is closed.', { connectionId: connection.id })
    close(connection, CLOSE_CODES.heartbeatTimeout, 'slow_consumer')
  }

  const outgoing = createOutgoing(limits.maxQueueBytes, closeSlow)
  const say = (connection: Connection, message: OutgoingMessage): void =>
    outgoing.send(connection, encodeMessage(message, clock.now()))

  const refuse = (
    connection: Connection,
    { code, message, requestId, channel, subscription, retryAfterMs, details }: Refusal,
  ): void =>
    say(connection, {
      type: 'error',
      channel,
      subscription,
      payload: { code, message, retryAfterMs, details },
      requestId,
    })

  const handshakes = createDeadlines<Connection>(clock, limits.handshakeTimeoutMs, (connection) =>
    close(connection, CLOSE_CODES.internal, 'timeout'),
  )
  const closings = createDeadlines<Connection>(clock, CLOSE_TIMEOUT_MS, ({ socket }) => socket.terminate())
  const heartbeat = createHeartbeat({
    clock,
    intervalMs: heartbeatIntervalMs,
    tick() {
      for (const connection of expiring) closeExpired(connection)
    },
    beat(connection) {
      if (connection.unansweredPings >= MAX_UNANSWERED_PINGS)
        return close(connection, CLOSE_CODES.heartbeatTimeout, 'heartbeat')
      connection.unansweredPings++
      connection.socket.ping()
    },
  })

  const authenticate = (connection: Connection, credentials: Credentials, requestId?: string): void => {
    const settle = (result: Awaited<ReturnType<typeof runAuthentication>>): void => {
      handshakes.remove(connection)
      const event: ConnectionEvent = result.ok
        ? { type: 'accepted', principal: result.principal }
        : { type: 'refused', code: result.code, reason: result.reason }
      const before = principalOf(connection)
      dispatch(connection, event, requestId)
      if (before !== null && isOther(before, principalOf(connection))) stations().channels.reopen(connection)
    }
    const result = runAuthentication(options.authenticate, credentials, () => clock.now(), logger)
    if (!(result instanceof Promise)) return settle(result)
    handshakes.add(connection)
    void result.then(settle)
  }

  // Shared by all connections, so that one more connection is not four more closures.
  const events = {
    message(this: Connection, text: string): void {
      this.unansweredPings = 0
      receive(this, text)
    },
    binary(this: Connection): void {
      this.unansweredPings = 0
      if (!isAllowed(this)) return
      refuse(this, { code: 'binary_frame', message: 'Frames are JSON text; this one was binary.' })
    },
    pong(this: Connection): void {
      this.unansweredPings = 0
    },
    closed(this: Connection, code: number): void {
      dispatch(this, { type: 'gone', code })
    },
  }

  const receive = (connection: Connection, text: string): void => {
    if (!isAllowed(connection)) return
    // Also a transport that does not limit frames by itself must not be a way around the limit.
    if (text.length > limits.maxFrameBytes) return close(connection, CLOSE_CODES.tooBig, 'too_big')
    if (connection.state.status === 'open') return stations().router.handle(connection, text)
    dispatch(connection, { type: 'frame', text, byteLength: utf8Bytes(text) })
  }

  const isAllowed = (connection: Connection): boolean => {
    const { status } = connection.state
    if (status === 'closing' || status === 'closed') return false
    switch (takeToken(connection.bucket, limits, clock.monotonic())) {
      case 'allow':
        return true
      case 'refuse': {
        const retryAfterMs = nextTokenInMs(connection.bucket, limits)
        const message = `More than ${limits.maxMessagesPerSecond} messages per second: wait ${retryAfterMs} ms, or the connection is closed.`
        refuse(connection, { code: 'rate_limited', message, retryAfterMs })
        return false
      }
      case 'drop':
        return false
      case 'close':
        close(connection, CLOSE_CODES.tooMany, 'rate_limited')
        return false
    }
  }

  const admits = (remoteAddress: string): ReturnType<WebSocketManager['admits']> => {
    if (isDraining) return 'draining'
    return registry.countOfAddress(remoteAddress) >= limits.maxConnectionsPerAddress
      ? 'too_many_connections'
      : 'yes'
  }

  return {
    connect(socket, handshake) {
      const { remoteAddress, token, url, headers, cookies } = handshake
      const connection: Connection = {
        message: events.message,
        binary: events.binary,
        pong: events.pong,
        closed: events.closed,
        id: options.newId(),
        socket,
        remoteAddress,
        connectedAt: clock.now(),
        bucket: createTokenBucket(limits, clock.monotonic()),
        state: newConnection,
        userId: null,
        unansweredPings: 0,
        slot: 0,
        subscriptions: null,
        attempts: null,
        reading: null,
      }
      const admission = admits(remoteAddress)
      registry.add(connection)
      heartbeat.add(connection)
      if (admission === 'draining') close(connection, CLOSE_CODES.draining, 'draining')
      else if (admission === 'too_many_connections') close(connection, CLOSE_CODES.tooMany, admission)
      else authenticate(connection, { token, url, headers, cookies, remoteAddress })
      return connection
    },
    disconnect(connectionId, code = 1000, reason = '') {
      const connection = registry.byId.get(connectionId)
      if (connection !== undefined) close(connection, code, reason)
    },
    async subscribe(connectionId, channel) {
      const connection = registry.byId.get(connectionId)
      const parsed = parseChannel(channel)
      if (!parsed.ok) throw new DnrError(parsed.code, parsed.message)
      if (connection === undefined) return 'refused'
      return stations().channels.subscribe(connection, { channel: parsed.value, name: channel })
    },
    unsubscribe(connectionId, channel) {
      const connection = registry.byId.get(connectionId)
      if (connection === undefined) return
      stations().channels.unsubscribe(connection, channel)
      say(connection, { type: 'unsubscribed', channel })
    },
    broadcast(channel, message, { exclude } = {}) {
      const parsed = parseChannel(channel)
      if (!parsed.ok) throw new DnrError(parsed.code, parsed.message)
      if (message.type.startsWith('entity:')) {
        throw new DnrError(
          'bad_option',
          `broadcast: ${message.type} carries a row. Use the event bus, which asks the policies who may see it.`,
        )
      }
      return stations().channels.broadcast(
        channel,
        encodeMessage({ ...message, channel }, clock.now()),
        exclude,
      )
    },
    sendToUser(userId, message) {
      const receivers = registry.ofUser(userId).filter(isLive)
      if (receivers.length === 0) return 0
      const frame = encodeMessage({ ...message, channel: message.channel ?? `user:${userId}` }, clock.now())
      for (const connection of receivers) outgoing.send(connection, frame)
      return receivers.length
    },
    handle: (type, handler) => stations().router.add(type, handler),
    admits,
    get connectionCount() {
      return registry.byId.size
    },
    get channelCount() {
      return stations().channels.channelCount
    },
    connections: views,
    get userCount() {
      return registry.userCount
    },
    get framesSent() {
      return outgoing.framesSent
    },
    get isDraining() {
      return isDraining
    },
    find: (connectionId) => registry.byId.get(connectionId),
    send: (connection, frame) => outgoing.send(connection, frame),
    refuse,
    closeSlow,
    closeExpired,
    authenticate(connection, token, requestId) {
      dispatch(connection, { type: 'auth' })
      const { remoteAddress } = connection
      authenticate(connection, { token, url: '', headers: {}, cookies: NO_COOKIES, remoteAddress }, requestId)
    },
    beginDraining() {
      isDraining = true
    },
    closeAll(code, reason) {
      for (const connection of registry.byId.values()) close(connection, code, reason)
    },
    all: () => registry.byId.values(),
    stop() {
      handshakes.stop()
      closings.stop()
      heartbeat.stop()
    },
  }
}

const NO_COOKIES: ReadonlyMap<string, string> = new Map()

function orNull(limit: number): number | null {
  return Number.isFinite(limit) ? limit : null
}

/** Is it a principal with other rights? When the session ends makes no difference. */
function isOther(before: Principal, after: Principal | null): boolean {
  if (after === null) return false
  const rights = (principal: Principal): string => JSON.stringify({ ...principal, expiresAt: null })
  return rights(before) !== rights(after)
}
