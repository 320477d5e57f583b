// Who is connected, and what is said to them: what applications and transports use of this station. Holds nothing that
// connection-life.ts does not hold; knows no transport. Comes from the transport; next: connection-life.ts, incoming.ts.
import { type ChannelName, CLOSE_CODES, DnrError, parseChannel } from '@dnr/protocol'
import type { SubscribeResult } from '../channel/subscription.ts'
import { createTokenBucket } from '../limits/token-bucket.ts'
import { nextArrival } from '../writes/refused-writes.ts'
import type { Frame, FrameRun, Handshake, ServerSocket, SocketEvents } from '../ports/server-socket.ts'
import { checkClose } from './close-arguments.ts'
import { type Connection, type ConnectionView, isLive } from './connection.ts'
import { type ConnectionLifeOptions, createConnectionLife } from './connection-life.ts'
import { newConnection } from './connection-state.ts'
import { createConnectionViews } from './connection-views.ts'
import type { FanOut } from './fan-out.ts'
import { encodeMessage, unsubscribedFrame } from './frame.ts'
import { createIncoming } from './incoming.ts'
import type { MessageHandler } from './message-router.ts'
import { emptyQueue } from './queue-room.ts'
import type { Refusal } from './refusal.ts'

/** What an application says over a channel or to a user; `timestamp` is added. */
export interface ApplicationMessage {
  readonly type: string
  readonly channel?: string
  readonly payload?: unknown
  readonly requestId?: string
}

export interface DisconnectOptions {
  /** What clients do after each code is in PROTOCOL.md. @default 4401 */
  readonly code?: number
  /** At most 123 bytes. @default 'token_revoked' with 4401, otherwise empty */
  readonly reason?: string
}

/** Connections: who is connected, and what is said to them. */
export interface WebSocketManager {
  /** Takes an accepted socket. The transport calls the returned events, on the object itself. */
  connect(socket: ServerSocket, handshake: Handshake): SocketEvents
  /** Closes a connection; harmless when there is none of that id. @default code 1000 @throws DnrError `bad_option` */
  disconnect(connectionId: string, code?: number, reason?: string): void
  /**
   * Ends what a user does here, at once: closes all their connections, and refuses alike every authentication, also of an
   * HTTP request, that is under way and turns out to be theirs. Returns how many connections that were.
   *
   * Their tokens are yours to revoke, before this call: who comes back with a token that `authenticate` takes is let in. After
   * the default close clients stay away until somebody signs in.
   *
   * @throws DnrError `bad_option` for a code or reason that no WebSocket can be closed with.
   */
  disconnectUser(userId: string, how?: DisconnectOptions): number
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
  sendRun(connection: Connection, run: FrameRun): void
  readonly fanOut: FanOut
  refuse(connection: Connection, refusal: Refusal): void
  closeSlow(connection: Connection): void
  /** Closes a connection whose session is over; `false` when it is not. */
  closeExpired(connection: Connection): boolean
  authenticate(connection: Connection, token: string, requestId: string | undefined): void
  /** From now on nobody is admitted. `ask` is called with whoever was still signing in, as soon as they are. */
  beginDraining(ask?: (connection: Connection) => void): void
  /** Closes every connection. */
  closeAll(code: number, reason: string): void
  all(): Iterable<Connection>
  /** A user's connections, in the order in which they came. */
  ofUser(userId: string): readonly Connection[]
  stop(): void
}

export interface WebSocketManagerOptions extends Omit<ConnectionLifeOptions, 'onWelcomed'> {
  newId(): string
  /** After their connections have been closed; also when there was none. */
  onSignedOut(userId: string): void
}

export function createWebSocketManager(options: WebSocketManagerOptions): Connections {
  const { clock, limits, stations } = options
  const life = createConnectionLife({ ...options, onWelcomed: (connection) => askToLeave?.(connection) })
  const { registry, close } = life
  const events = createIncoming({ clock, limits, life })
  const views = createConnectionViews(registry.byId)
  /** `null`: nobody is to leave. */
  let askToLeave: ((connection: Connection) => void) | null = null

  const admits = (remoteAddress: string): ReturnType<WebSocketManager['admits']> => {
    if (askToLeave !== null) return 'draining'
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
        arrival: nextArrival(),
        bucket: createTokenBucket(limits, clock.monotonic()),
        state: newConnection,
        userId: null,
        unansweredPings: 0,
        heardMark: clock.monotonic(),
        slot: 0,
        subscriptions: null,
        attempts: null,
        waiting: null,
        reading: null,
        queue: emptyQueue(),
      }
      const admission = admits(remoteAddress)
      life.begin(connection)
      if (admission === 'draining') close(connection, CLOSE_CODES.draining, 'draining')
      else if (admission === 'too_many_connections') close(connection, CLOSE_CODES.tooMany, admission)
      else life.authenticate(connection, { token, url, headers, cookies, remoteAddress })
      return connection
    },
    disconnect(connectionId, code = 1000, reason = '') {
      checkClose(code, reason)
      const connection = registry.byId.get(connectionId)
      if (connection !== undefined) close(connection, code, reason)
    },
    disconnectUser(userId, { code = CLOSE_CODES.unauthorized, reason } = {}) {
      const why = reason ?? (code === CLOSE_CODES.unauthorized ? 'token_revoked' : '')
      checkClose(code, why)
      options.authenticator.revoke(userId, code, why)
      const own = registry.ofUser(userId).filter(isLive)
      for (const connection of own) close(connection, code, why)
      options.onSignedOut(userId)
      return own.length
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
      life.send(connection, unsubscribedFrame({ channel }, clock.now()))
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
      for (const connection of receivers) life.send(connection, frame)
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
      return life.framesSent
    },
    get isDraining() {
      return askToLeave !== null
    },
    find: (connectionId) => registry.byId.get(connectionId),
    send: life.send,
    sendRun: life.sendRun,
    fanOut: life.fanOut,
    refuse: life.refuse,
    closeSlow: life.closeSlow,
    closeExpired: life.closeExpired,
    authenticate(connection, token, requestId) {
      life.dispatch(connection, { type: 'auth' })
      const { remoteAddress } = connection
      const credentials = { token, url: '', headers: {}, cookies: NO_COOKIES, remoteAddress }
      life.authenticate(connection, credentials, requestId)
    },
    beginDraining(ask = () => {}) {
      askToLeave = ask
    },
    closeAll(code, reason) {
      for (const connection of registry.byId.values()) close(connection, code, reason)
    },
    all: () => registry.byId.values(),
    ofUser: (userId) => registry.ofUser(userId),
    stop: life.stop,
  }
}

const NO_COOKIES: ReadonlyMap<string, string> = new Map()
