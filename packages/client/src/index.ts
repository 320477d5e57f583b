// The client
export { createRealtimeClient } from './realtime-client.ts'
export { DEFAULT_OPTIONS } from './client-options.ts'
export type { ChannelOf, ClientEvents, CollectionQuery, RealtimeClient, RowIn } from './realtime-client.ts'
export type { RealtimeClientOptions } from './client-options.ts'

// Rows
export { decodeRows } from './collection/decode-rows.ts'
export type { RowForms } from './collection/decode-rows.ts'
export type { RowForm } from './collection/row-form.ts'
export type { Answer, Collection, CollectionBatch, RowChange } from './collection/collection.ts'

// Channels and writes
export type { ChannelSubscriber } from './channel/channel-subscriber.ts'
export type { ChannelEvents, SubscriptionStatus } from './channel/wire-subscription.ts'
export type { ChannelListener, Subscription } from './channel/listen.ts'
export type { Liveness } from './channel/liveness.ts'
export type { Mutation, MutationAnswer } from './request/mutate.ts'

// Connection, and what it takes
export type { ConnectionState, ConnectionStatus } from './connection/connection-state.ts'
export type { Environment, EnvironmentEvent } from './connection/environment.ts'
export type { SocketFactory, SocketLike } from './connection/socket.ts'
