// The server
export { createRealtimeServer } from './server/create-realtime-server.ts'
export type { RealtimeServer, ServerStats } from './server/create-realtime-server.ts'
export type { Readiness } from './server/readiness.ts'
export type { DrainOptions } from './server/drain.ts'
export type { RealtimeServerOptions } from './server/options.ts'
export type { LimitOptions, Limits } from './limits/limits.ts'

// Who may do what
export { allow } from './policy/rule.ts'
export type { Allowance, FieldOf, RowRule, Rule, RuleOrPromise } from './policy/rule.ts'
export { allowChannel } from './policy/channel-rule.ts'
export type { ChannelAllowance, ChannelKind, ChannelRule } from './policy/channel-rule.ts'
export { policies } from './policy/policies.ts'
export type { Policies } from './policy/policies.ts'
export type { Authenticate, Credentials } from './connection/authenticate.ts'
export { createTickets } from './connection/tickets.ts'
export type { Tickets, TicketOptions } from './connection/tickets.ts'

// Its stations
export type {
  ApplicationMessage,
  DisconnectOptions,
  WebSocketManager,
} from './connection/web-socket-manager.ts'
export type { ConnectionView } from './connection/connection.ts'
export type { CustomMessage, MessageContext, MessageHandler } from './connection/message-router.ts'
export type { ChannelManager } from './channel/channel-manager.ts'
export type { Explain, ExplainedChange, ExplainedSubscription, Explanation } from './channel/explain.ts'
export type { SubscribeResult } from './channel/subscription.ts'
export type { RightsScope } from './policy/rights-stamps.ts'
export type { ChangeListener, EmittedRow, EntityEventBus } from './event-bus/entity-event-bus.ts'

// What the log is told of errors
export type { ErrorListener } from './report/discreet-logger.ts'

// Ports: what the server asks of stores, transports and plugins
export type {
  EntityStore,
  FindQuery,
  FoundRows,
  Mutation,
  MutationContext,
  MutationImages,
  MutationResult,
  SnapshotChunk,
} from './ports/entity-store.ts'
export type { ChangeHistory, HistoryPage, HistoryRequest } from './ports/change-history.ts'
export type { StorageHealth } from './ports/storage-health.ts'
export type { Frame, Handshake, ServerSocket, SocketEvents } from './ports/server-socket.ts'
export type {
  ConnectionEnd,
  PluginHost,
  PluginMessage,
  PluginSession,
  ServerPlugin,
} from './ports/server-plugin.ts'
