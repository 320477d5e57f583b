// Plugins and what they may ask of the server. Holds their sessions; knows nothing of what they do.
import {
  type ChannelName,
  type ClientMessage,
  type ClientMessageType,
  type Clock,
  DnrError,
  parseChannel,
} from '@dnr/protocol'
import type { Channels } from '../channel/channel-manager.ts'
import type { ChannelEntry } from '../channel/subscription.ts'
import { type Connection, principalOf } from '../connection/connection.ts'
import { encodeMessage } from '../connection/frame.ts'
import type { Connections } from '../connection/web-socket-manager.ts'
import type { ConnectionEnd, PluginHost, PluginSession, ServerPlugin } from '../ports/server-plugin.ts'

/** The running plugins. */
export interface Plugins {
  /** Who handles a client's message of this type. */
  handlerFor(
    type: ClientMessageType,
  ): ((connectionId: string, message: ClientMessage) => void | Promise<void>) | null
  subscribed(connection: Connection, entry: ChannelEntry): void
  unsubscribed(connection: Connection, entry: ChannelEntry): void
  rechecked(connection: Connection, entry: ChannelEntry): void
  disconnected(connection: Connection, end: ConnectionEnd): void
  signedOut(userId: string): void
  stop(): void
}

export interface PluginsOptions {
  readonly plugins: readonly ServerPlugin[]
  readonly clock: Clock
  readonly connections: Connections
  readonly channels: Channels
  onError(error: unknown, what: string): void
}

/** Starts all plugins. @throws DnrError `bad_option` when two handle the same message. */
export function startPlugins({ plugins, clock, connections, channels, onError }: PluginsOptions): Plugins {
  const host = createPluginHost(clock, connections, channels)
  const sessionsByType = new Map<string, PluginSession>()
  const running: { readonly plugin: ServerPlugin; readonly session: PluginSession }[] = []
  for (const plugin of plugins) {
    const taken = plugin.messageTypes.find((type) => sessionsByType.has(type))
    if (taken !== undefined)
      throw new DnrError(
        'bad_option',
        `plugins: ${plugin.name} handles ${taken}, which another plugin handles already.`,
      )
    const session = plugin.start(host)
    for (const type of plugin.messageTypes) sessionsByType.set(type, session)
    running.push({ plugin, session })
  }

  const tell = (
    what: string,
    call: (session: PluginSession) => void,
    kind?: ChannelEntry['channel']['kind'],
  ): void => {
    for (const { plugin, session } of running) {
      if (kind !== undefined && !plugin.channelKinds.includes(kind)) continue
      try {
        call(session)
      } catch (error) {
        onError(error, `plugin ${plugin.name}: ${what}`)
      }
    }
  }

  return {
    handlerFor(type) {
      const session = sessionsByType.get(type)
      return session === undefined ? null : (connectionId, message) => session.message(connectionId, message)
    },
    subscribed: ({ id }, { name, channel }) =>
      tell('subscribed', (session) => session.subscribed(id, name), channel.kind),
    unsubscribed: ({ id }, { name, channel }) =>
      tell('unsubscribed', (session) => session.unsubscribed(id, name), channel.kind),
    rechecked: ({ id }, { name, channel }) =>
      tell('rechecked', (session) => session.rechecked?.(id, name), channel.kind),
    disconnected: ({ id }, end) => tell('disconnected', (session) => session.disconnected(id, end)),
    signedOut: (userId) => tell('signedOut', (session) => session.signedOut?.(userId)),
    stop: () => tell('stop', (session) => session.stop()),
  }
}

function createPluginHost(clock: Clock, connections: Connections, channels: Channels): PluginHost {
  return {
    clock,
    connection(connectionId) {
      const connection = connections.find(connectionId)
      return connection === undefined ? undefined : { id: connection.id, principal: principalOf(connection) }
    },
    async subscribe(connectionId, channel, { requestId }) {
      const connection = connections.find(connectionId)
      const parsed = parseChannel(channel)
      if (connection === undefined) return 'refused'
      if (!parsed.ok) {
        connections.refuse(connection, { code: parsed.code, message: parsed.message, requestId })
        return 'refused'
      }
      // Whose right is being asked about waits for the answer.
      const isAsked = connection.attempts?.has(channel) === true
      if (!isAsked && connection.subscriptions?.has(channel) === true) return 'installed'
      return channels.subscribe(connection, { channel: parsed.value, name: channel, requestId, quiet: true })
    },
    unsubscribe(connectionId, channel: ChannelName) {
      const connection = connections.find(connectionId)
      if (connection !== undefined) channels.unsubscribe(connection, channel, { quiet: true })
    },
    subscribers: (channel) => channels.subscribers(channel),
    send(connectionIds, message) {
      const frame = encodeMessage(message, clock.now())
      for (const connectionId of connectionIds) {
        const connection = connections.find(connectionId)
        if (connection !== undefined) connections.send(connection, frame)
      }
    },
    refuse(connectionId, error) {
      const connection = connections.find(connectionId)
      if (connection !== undefined) connections.refuse(connection, error)
    },
  }
}
