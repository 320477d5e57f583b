import type {
  Channel,
  ChannelName,
  ClientMessage,
  ClientMessageType,
  Clock,
  ErrorCode,
  Principal,
} from '@dnr/protocol'

/**
 * What presence asks of the server. The plugin host of `@dnr/server` fits.
 *
 * `subscribe` authorises as a client's own `subscribe` would, sends no `subscribed`, and answers a refusal itself. While the
 * server asks about a right that may have changed, `subscribe` waits for the answer, and `subscribers` leaves the connection out.
 * `unsubscribe` ends what `subscribe` has made, and nothing that the client itself asked for.
 * `send` encodes once whatever the number of receivers, and passes over connections that are gone.
 */
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
    error: { code: ErrorCode; message: string; requestId?: string; channel?: string; retryAfterMs?: number },
  ): void
}

/** A running presence plugin. */
export interface PresenceSession {
  message(connectionId: string, message: ClientMessage): void | Promise<void>
  subscribed(connectionId: string, channel: ChannelName): void
  unsubscribed(connectionId: string, channel: ChannelName): void
  /**
   * Rights changed, and it may go on: it is told who is here, because it was told nothing while that was asked. Its principal
   * may be another: the others are told of a new name.
   */
  rechecked(connectionId: string, channel: ChannelName): void
  /** `silentMs`: how long nothing had been heard of it; the time-out includes that. @default 0 */
  disconnected(connectionId: string, close: { code: number; reason?: string; silentMs?: number }): void
  /** A user was signed out: they are gone at once, also with connections that were lost before. */
  signedOut(userId: string): void
  stop(): void
}

/** Presence for `createRealtimeServer({ plugins: [presence()] })`. */
export interface PresencePlugin {
  readonly name: 'presence'
  readonly messageTypes: readonly ClientMessageType[]
  readonly channelKinds: readonly Channel['kind'][]
  start(host: PresenceHost): PresenceSession
}

/** Where a message belongs, and how to answer it. */
export interface Address {
  readonly connectionId: string
  readonly channel: ChannelName
  readonly resource: string
  readonly requestId: string | undefined
}
