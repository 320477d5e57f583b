// What a client's frame asks for, and who does it. Holds the handlers; next: channel/ for subscriptions, writes/ for
// mutations, room-messages.ts for words in rooms, a plugin for its own messages.
import {
  type ChannelName,
  type ClientMessage,
  type ClientMessageType,
  DnrError,
  parseChannel,
  type Position,
  type Principal,
  toDnrError,
  type WireRow,
} from '@dnr/protocol'
import { parseClientMessage } from '@dnr/protocol/schemas'
import type { Channels } from '../channel/channel-manager.ts'
import { isAboutRows, subscriptionKey } from '../channel/subscription.ts'
import type { MaybePromise } from '../policy/maybe-promise.ts'
import type { Mutation } from '../ports/entity-store.ts'
import type { Frame } from '../ports/server-socket.ts'
import type { Watch } from './authenticate.ts'
import { type Connection, principalOf } from './connection.ts'
import { followSession } from './follow-session.ts'
import { encodeMessage, type OutgoingMessage, unsubscribedFrame } from './frame.ts'
import { addressOf, isOwnFault, refusalOf } from './refusal.ts'
import { createRoomMessages, type RoomMessagesOptions } from './room-messages.ts'

/** A message of a type of the application's own; only its envelope has been checked. */
export interface CustomMessage {
  readonly type: string
  readonly channel?: string
  readonly payload?: unknown
  readonly requestId?: string
}

/** Who sent it, and how to answer. */
export interface MessageContext {
  readonly connectionId: string
  /** Never a guest: guests get `unauthorized`. */
  readonly principal: Principal
  /** Answers with the `requestId` of the message. */
  reply(message: { readonly type: string; readonly channel?: string; readonly payload?: unknown }): void
}

/** Handles messages of one type. What it throws is answered: a `DnrError` as it is, anything else as `internal`. */
export type MessageHandler = (message: CustomMessage, context: MessageContext) => void | Promise<void>

/** Writes under policy: `createWriteService` fits. */
export interface Writes {
  write(
    entityName: string,
    mutation: Mutation,
    context: {
      principal: Principal | null
      principalNow?: () => Principal
      mutationId?: string
      arrival?: number
    },
  ): Promise<{
    row: WireRow | null
    visible: boolean
    version: number
    position: Position
    replayed: boolean
  }>
}

export interface MessageRouterOptions extends RoomMessagesOptions {
  readonly channels: Channels
  readonly writes: Writes
  position(): Position | null
  send(connection: Connection, frame: Frame): void
  /** `null`: no plugin handles the type. */
  pluginFor(
    type: ClientMessageType,
  ): ((connectionId: string, message: ClientMessage) => void | Promise<void>) | null
  authenticate(connection: Connection, token: string, requestId: string | undefined): void
  /** Notes who is signed out from now on. */
  watch(): Watch
  /** Closes a connection whose session is over; `false` when it is not. */
  closeExpired(connection: Connection): boolean
  onError(error: unknown, what: string): void
}

export interface MessageRouter {
  /** Handles one frame of an open connection. Never throws, and nothing it starts rejects. */
  handle(connection: Connection, text: string): void
  /** Adds a type; returns its undo. @throws DnrError `bad_option` for a type that is taken. */
  add(type: string, handler: MessageHandler): () => void
}

type Typed<Type extends ClientMessageType> = Extract<ClientMessage, { type: Type }>

const SIGN_IN = 'Sign in first: send auth with a token, or connect with one.'

export function createMessageRouter(options: MessageRouterOptions): MessageRouter {
  const { clock, channels, writes, policies, send, refuse } = options
  const handlers = new Map<string, MessageHandler>()
  const extraTypes = new Set<string>()
  const sayInRoom = createRoomMessages(options)

  const say = (connection: Connection, message: OutgoingMessage): void =>
    send(connection, encodeMessage(message, clock.now()))

  const subscribe = (connection: Connection, message: Typed<'subscribe'>): MaybePromise<unknown> => {
    const parsed = parseChannel(message.channel)
    if (!parsed.ok)
      return refuse(connection, { ...addressOf(message), code: parsed.code, message: parsed.message })
    const { position, readTo, snapshot, query, subscription, grant } = message.payload ?? {}
    const { requestId } = message
    const name = message.channel as ChannelName
    return channels.subscribe(connection, {
      channel: parsed.value,
      name,
      subscription,
      position,
      readTo,
      snapshot,
      where: query?.where as never,
      grant,
      requestId,
    })
  }

  const unsubscribe = (
    connection: Connection,
    { channel, payload, requestId }: Typed<'unsubscribe'>,
  ): void => {
    const subscription = payload?.subscription
    channels.unsubscribe(connection, subscriptionKey(channel as ChannelName, subscription))
    send(connection, unsubscribedFrame({ channel, subscription, requestId }, clock.now()))
  }

  const ping = (connection: Connection, { requestId }: Typed<'ping'>): void => {
    const position = hearsRows(connection) ? (options.position() ?? undefined) : undefined
    say(connection, { type: 'pong', requestId, position })
  }

  const mutate = async (
    connection: Connection,
    principal: Principal,
    { payload, requestId }: Typed<'mutate'>,
  ): Promise<void> => {
    const { entity, mutationId, ...mutation } = payload
    const watch = options.watch()
    try {
      const { principalNow, isCurrent } = followSession(connection, principal, watch, policies)
      const context = { principal, principalNow, mutationId, arrival: connection.arrival }
      const { row, visible, position } = await writes.write(entity, mutation as Mutation, context)
      // Whoever has other rights since the verdict may not see the row: its echo tells who does.
      const shown = visible && row !== null && isCurrent() ? { mutationId, row } : { mutationId }
      say(connection, { type: 'mutated', payload: shown, requestId, position })
    } finally {
      watch.end()
    }
  }

  const handOver = (connection: Connection, message: ClientMessage): MaybePromise<void> => {
    const plugin = options.pluginFor(message.type)
    if (plugin !== null) return plugin(connection.id, message)
    refuse(connection, {
      ...addressOf(message),
      code: 'unknown_type',
      message: `This server does not handle ${message.type}.`,
    })
  }

  const custom = (
    connection: Connection,
    principal: Principal,
    message: CustomMessage,
    handler: MessageHandler,
  ): MaybePromise<void> => {
    const reply: MessageContext['reply'] = (answer) =>
      say(connection, { ...answer, requestId: message.requestId })
    return handler(message, { connectionId: connection.id, principal, reply })
  }

  const route = (connection: Connection, message: ClientMessage): MaybePromise<unknown> => {
    if (message.type === 'ping') return ping(connection, message)
    if (message.type === 'auth')
      return options.authenticate(connection, message.payload.token, message.requestId)
    const principal = principalOf(connection)
    if (principal === null)
      return refuse(connection, { ...addressOf(message), code: 'unauthorized', message: SIGN_IN })
    if (options.closeExpired(connection)) return undefined
    const handler = handlers.get(message.type)
    if (handler !== undefined) return custom(connection, principal, message as CustomMessage, handler)
    switch (message.type) {
      case 'subscribe':
        return subscribe(connection, message)
      case 'unsubscribe':
        return unsubscribe(connection, message)
      case 'mutate':
        return mutate(connection, principal, message)
      case 'message':
        return sayInRoom(connection, message)
      default:
        return handOver(connection, message)
    }
  }

  const failed = (connection: Connection, message: ClientMessage, error: unknown): void => {
    const known = toDnrError(error, 'internal', 'Something went wrong on the server. Try again later.')
    if (isOwnFault(known)) options.onError(error, `handling ${message.type}`)
    refuse(connection, { ...addressOf(message), ...refusalOf(known) })
  }

  return {
    handle(connection, text) {
      const parsed = parseClientMessage(text, undefined, extraTypes)
      if (!parsed.ok) {
        const { ok: _refused, ...refusal } = parsed
        return refuse(connection, refusal)
      }
      const message = parsed.value
      try {
        const answer = route(connection, message)
        if (answer instanceof Promise) answer.catch((error: unknown) => failed(connection, message, error))
      } catch (error) {
        failed(connection, message, error)
      }
    },
    add(type, handler) {
      if (
        handlers.has(type) ||
        RESERVED.has(type) ||
        type.startsWith('entity:') ||
        type.startsWith('presence:')
      ) {
        throw new DnrError(
          'bad_option',
          `handle: the message type "${type}" is taken. Choose another, such as "app:${type}".`,
        )
      }
      handlers.set(type, handler)
      extraTypes.add(type)
      return () => {
        if (handlers.get(type) !== handler) return
        handlers.delete(type)
        extraTypes.delete(type)
      }
    },
  }
}

const RESERVED: ReadonlySet<string> = new Set(
  [
    'subscribe',
    'unsubscribe',
    'subscribed',
    'unsubscribed',
    'ping',
    'pong',
    'error',
    'connected',
    'auth',
    'authenticated',
  ].concat(['snapshot', 'mutate', 'mutated', 'reconnect', 'message']),
)

/** Is there a live subscription to rows, and none that still reads? Then everything up to the bus's position was sent. */
function hearsRows({ subscriptions, attempts }: Connection): boolean {
  if (subscriptions === null) return false
  for (const { request } of attempts?.values() ?? []) if (isAboutRows(request.channel)) return false
  let isHearing = false
  for (const { group } of subscriptions.values()) {
    // Above its limit a channel holds back what the position says has been delivered.
    if (group.channel.held !== null) return false
    isHearing ||= group.grant !== null
  }
  return isHearing
}
