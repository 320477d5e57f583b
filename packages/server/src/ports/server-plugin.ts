import type {
  Channel,
  ChannelName,
  ClientMessage,
  ClientMessageType,
  Clock,
  ErrorCode,
  Principal,
} from '@dnr/protocol'

/** A feature attached to the server, such as presence. It handles its own messages and is told who watches its channels. */
export interface ServerPlugin {
  readonly name: string
  /** Client messages that it handles. */
  readonly messageTypes: readonly ClientMessageType[]
  /** It is told when channels of these kinds are subscribed and unsubscribed. */
  readonly channelKinds: readonly Channel['kind'][]
  start(host: PluginHost): PluginSession
}

/** What a plugin may ask of the server. */
export interface PluginHost {
  readonly clock: Clock
  connection(connectionId: string): { readonly id: string; readonly principal: Principal | null } | undefined
  /**
   * Authorises and subscribes as `subscribe` would: resolves with `installed`, or with `refused` after having sent the
   * error. No `subscribed` frame is sent and the session's `subscribed` is not called. Who is subscribed already is not
   * asked about again; but while the server asks, because rights have changed, this waits for the answer of today.
   */
  subscribe(
    connectionId: string,
    channel: ChannelName,
    options: { quiet: true; requestId?: string },
  ): Promise<'installed' | 'refused'>
  /**
   * Ends what `subscribe` of this host has made; what the client itself asked for stays. Without a frame, and without the
   * session's `unsubscribed`.
   */
  unsubscribe(connectionId: string, channel: ChannelName): void
  /** Ids of the connections whose subscription is installed; while the server asks about a right, it is not among them. */
  subscribers(channel: ChannelName): Iterable<string>
  /** Encoded once whatever the number of receivers; `timestamp` is added. */
  send(connectionIds: Iterable<string>, message: PluginMessage): void
  refuse(
    connectionId: string,
    error: { code: ErrorCode; message: string; requestId?: string; channel?: string; retryAfterMs?: number },
  ): void
}

export interface PluginMessage {
  type: string
  channel?: string
  payload?: unknown
  requestId?: string
}

/** How a connection ended. */
export interface ConnectionEnd {
  readonly code: number
  /** Empty unless we closed it. */
  readonly reason: string
  /** How long nothing had been heard of it when it was given up for that, milliseconds; 0 when it ended by itself. */
  readonly silentMs: number
}

/** A running plugin. What it throws is reported and disturbs nobody else. */
export interface PluginSession {
  message(connectionId: string, message: ClientMessage): void | Promise<void>
  /** After the `subscribed` frame. */
  subscribed(connectionId: string, channel: ChannelName): void
  /** When the last subscription of this connection to the channel is gone; a closed connection is `disconnected` alone. */
  unsubscribed(connectionId: string, channel: ChannelName): void
  /** Rights changed, and this connection may go on hearing the channel; what it may see there can be other things. */
  rechecked?(connectionId: string, channel: ChannelName): void
  disconnected(connectionId: string, end: ConnectionEnd): void
  /**
   * A user was signed out, also one who has no connection just now. Their connections are being closed and hear nothing more;
   * `disconnected` of each comes when its socket is gone.
   */
  signedOut?(userId: string): void
  stop(): void
}
