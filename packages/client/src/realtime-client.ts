// The whole client, wired: connection/ → request/ and channel/ → collection/.
import { createEmitter } from '@dnr/internal'
import { computed, type ReadonlySignal, signal } from '@preact/signals-core'
import {
  type AnyEntity,
  DnrError,
  type EntityChannel,
  type EntityMap,
  type ErrorCode,
  type JsonForm,
  type OrderBy,
  type PresenceChannel,
  type RecordChannel,
  type RoomChannel,
  type RowOf,
  type ServerMessage,
  toDnrError,
  type UserChannel,
  type Where,
} from '@dnr/protocol'
import { createChannelSubscriber } from './channel/channel-subscriber.ts'
import { type ChannelListener, listen, type Subscription } from './channel/listen.ts'
import { createShares } from './channel/shares.ts'
import type { ChannelEvents } from './channel/wire-subscription.ts'
import { readOptions, type RealtimeClientOptions } from './client-options.ts'
import type { Collection } from './collection/collection.ts'
import { type AnyQuery, openCollection } from './collection/collections.ts'
import type { RowForms } from './collection/decode-rows.ts'
import { createFlusher } from './collection/flusher.ts'
import { safeForm, type SafeForm, wireForm } from './collection/row-form.ts'
import type { ConnectionState } from './connection/connection-state.ts'
import { createConnection, disconnected, isOverRate } from './connection/connection.ts'
import { mutate, type Mutation, type MutationAnswer } from './request/mutate.ts'
import { createRequests } from './request/requests.ts'
import { readWireError } from './request/wire-error.ts'

type NameOf<Entities extends EntityMap> = keyof Entities & string

/** Every channel that a client of these entities can listen to. */
export type ChannelOf<Entities extends EntityMap> =
  | EntityChannel<NameOf<Entities>>
  | RecordChannel<NameOf<Entities>>
  | PresenceChannel
  | UserChannel
  | RoomChannel

/** Which rows, in which order, how many. Conditions are sent; the order and the limit are kept here. */
export interface CollectionQuery<E extends AnyEntity> {
  /** Dates are compared as the ISO text that travels. @default every row that one may see */
  readonly where?: Where<JsonForm<RowOf<E>>>
  /** The id breaks ties. @default by id */
  readonly orderBy?: OrderBy<JsonForm<RowOf<E>>>
  /** Shows the first rows only; all of them are kept. @default all */
  readonly limit?: number
}

export interface ClientEvents extends ChannelEvents {
  /** What went wrong without a caller to tell: a listener that threw, an unreadable frame. */
  readonly error: DnrError
  /** Every message of the server, before anybody else hears it. */
  readonly message: ServerMessage
}

/** `Row`: how rows look here; as they travel, or decoded by the entities that were given. */
export interface RealtimeClient<Entities extends EntityMap = EntityMap, IsDecoded extends boolean = false> {
  /** Where the connection stands, why, and when the next try is. */
  readonly state: ReadonlySignal<ConnectionState>
  readonly connected: ReadonlySignal<boolean>
  /** Whose the last connection was; `null` for a guest and before the first. When another user signs in, nothing of the former is kept. */
  readonly userId: ReadonlySignal<string | null>
  /** The server's clock minus ours: `Date.now() + client.serverTimeOffsetMs` estimates its time. */
  readonly serverTimeOffsetMs: number
  /** Connects, now; also after `disconnect()`, `needs-auth` and a refusal. After `close()` it does nothing. */
  connect(): void
  /** Disconnects until `connect()`; subscriptions and rows stay. */
  disconnect(): void
  /** While waiting, tries now; while connected, asks for a sign of life. */
  retryNow(): void
  /** Ends everything, for ever: no socket, timer or listener is left. */
  close(): void
  /** Listens to a channel. Listeners to one channel share one subscription on the wire. */
  subscribe(channel: ChannelOf<Entities>, listener: ChannelListener): Subscription
  /** Opens the rows of a query. Uses of equal queries share their rows. */
  collection<Name extends NameOf<Entities>>(
    entity: Name,
    query?: CollectionQuery<Entities[Name]>,
  ): Collection<RowIn<Entities[Name], IsDecoded>>
  /**
   * Sends a message, now or as soon as the server's rate allows; false when there is no connection. It is never sent with
   * another connection, and nothing is thrown.
   */
  send(message: { readonly type: string; readonly channel?: string; readonly payload?: unknown }): boolean
  /** Sends a message and waits for its answer. Rejects with a `DnrError`: the server's, `timeout` or `disconnected`. */
  request(
    message: { readonly type: string; readonly channel?: string; readonly payload?: unknown },
    options?: { readonly timeoutMs?: number },
  ): Promise<ServerMessage>
  /** Sends a write once; see `@dnr/optimistic` for retries. */
  mutate<Name extends NameOf<Entities>>(
    mutation: Mutation & { readonly entity: Name },
    options?: { readonly signal?: AbortSignal },
  ): Promise<MutationAnswer<RowIn<Entities[Name], IsDecoded>>>
  on<Name extends keyof ClientEvents>(
    event: Name,
    listener: (payload: ClientEvents[Name]) => void,
  ): () => void
}

export type RowIn<E extends AnyEntity, IsDecoded extends boolean> = IsDecoded extends true
  ? RowOf<E>
  : JsonForm<RowOf<E>>

/**
 * Connects to a DNR server: live collections, channels and writes over one socket that comes back by itself.
 *
 * The type argument gives the entities' types without loading their schemas: rows are then as they travel, dates as ISO text.
 * With `rows: decodeRows({ Task })` they have their dates and bigints.
 *
 * @throws DnrError `bad_option` naming the option.
 * @example
 * import type { entities } from '../shared/entities.ts'
 * const client = createRealtimeClient<typeof entities>({ url: 'wss://example.com/ws', getToken: () => session.token })
 * const tasks = client.collection('Task', { where: { status: 'todo' }, orderBy: [['rank', 'asc']] })
 * tasks.rows.subscribe((rows) => console.log(rows.length))
 */
export function createRealtimeClient<Entities extends EntityMap>(
  options: RealtimeClientOptions & { readonly rows: RowForms<Entities> },
): RealtimeClient<Entities, true>
export function createRealtimeClient<Entities extends EntityMap>(
  options: RealtimeClientOptions,
): RealtimeClient<Entities>
export function createRealtimeClient(
  input: RealtimeClientOptions & { readonly rows?: RowForms<EntityMap> },
): RealtimeClient<EntityMap, boolean> {
  const options = readOptions(input)
  const { clock, random, lingerMs } = options
  const emitter = createEmitter<ClientEvents>((error, event) => event !== 'error' && report(error))
  const report = (error: unknown, code: ErrorCode = 'internal', what = 'A listener threw.'): void =>
    emitter.emit('error', toDnrError(error, code, what))
  const guard = (call: () => void, code?: ErrorCode, what?: string): void => {
    try {
      call()
    } catch (error) {
      report(error, code, what)
    }
  }

  const userId = signal<string | null>(null)
  let isKnown = false
  const connection = createConnection({
    ...options,
    onReady(isReady, id) {
      if (isReady) {
        if (isKnown && id !== userId.peek()) channels.forget()
        isKnown = true
        userId.value = id
      }
      channels.ready(isReady)
      if (!isReady) requests.refuseAll(disconnected())
    },
    onMessage(message) {
      emitter.emit('message', message)
      if (isOverRate(message)) requests.refuseAll(readWireError(message), true)
      const isAnswer = requests.answer(message)
      // People at a resource concern every listener there, also when one of them asked.
      if (!isAnswer || message.type.startsWith('presence:')) channels.receive(message)
    },
    guard,
  })
  const { dispatch, send, state } = connection
  const requests = createRequests(clock, options.requestTimeoutMs, send, connection.probe)
  const channels = createChannelSubscriber({ clock, random, requests, send, emit: emitter.emit })
  const shares = createShares(clock, lingerMs)
  const flusher = createFlusher(guard)
  const formOf = (entity: string): SafeForm<unknown> => {
    const form = input.rows?.[entity]
    return form ? safeForm(form, entity, guard) : wireForm
  }

  const client = {
    state,
    connected: computed(() => state.value.status === 'ready'),
    userId,
    get serverTimeOffsetMs() {
      return connection.serverTimeOffsetMs
    },
    connect: () => dispatch({ type: 'connect' }),
    disconnect: () => dispatch({ type: 'disconnect' }),
    retryNow: () => dispatch({ type: 'wake' }),
    close() {
      dispatch({ type: 'close' })
      channels.close(new DnrError('closed', 'The client was closed.'))
      shares.close()
    },
    subscribe: (channel: string, listener: ChannelListener) =>
      listen(channels, shares, channel, listener, guard),
    collection: (entity: string, query: AnyQuery = {}) =>
      openCollection(channels, shares, flusher, formOf(entity), entity, query),
    send: (message: object) => !send(message),
    request: (message: object, { timeoutMs }: { timeoutMs?: number } = {}) =>
      new Promise<ServerMessage>((resolve, reject) => {
        requests.ask(message, (error, answer) => (answer ? resolve(answer) : reject(error)), timeoutMs)
      }),
    mutate: (mutation: Mutation, { signal: abort }: { signal?: AbortSignal } = {}) =>
      mutate(requests, mutation, formOf(mutation.entity), abort),
    on: emitter.on,
  }
  if (options.connect) client.connect()
  return client
}
