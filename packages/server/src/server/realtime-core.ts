// The server without HTTP and without a transport: the stations, wired.
//
//   relay ─▶ eventBus ─▶ channels ─▶ connections ─▶ transport
//                           ▲             │
//                           └── router ◀──┘   (plugins and writes stand beside it)
import type { Logger } from '@dnr/protocol'
import { createAuthorizeChannel } from '../channel/authorize-channel.ts'
import { type Channels, createChannelManager } from '../channel/channel-manager.ts'
import { createFindDenial, tellDenials } from '../channel/denials.ts'
import { createDelivery, type Delivery } from '../channel/deliver-transaction.ts'
import { knownEntities } from '../channel/entities.ts'
import { createExplain, type Explain } from '../channel/explain.ts'
import { createHistoryReader } from '../channel/history-reader.ts'
import { createMessageRouter, type MessageRouter, type Writes } from '../connection/message-router.ts'
import { type Connections, createWebSocketManager } from '../connection/web-socket-manager.ts'
import { createEventBus, type EventBus } from '../event-bus/entity-event-bus.ts'
import { createPolicyEvaluator, type PolicyEvaluator } from '../policy/policy-evaluator.ts'
import { createRightsStamps, type RightsScope } from '../policy/rights-stamps.ts'
import type { ResolvedOptions } from './options.ts'
import { type Plugins, startPlugins } from './plugin-host.ts'
import { createRightsChanges } from './rights-changes.ts'

/** The wired stations. */
export interface RealtimeCore {
  readonly connections: Connections
  readonly channels: Channels
  readonly eventBus: EventBus
  readonly delivery: Delivery
  readonly policies: PolicyEvaluator
  readonly plugins: Plugins
  readonly writes: Writes
  /** Asks the policies again for those whom it concerns. */
  rightsChanged(...scopes: readonly RightsScope[]): Promise<void>
  readonly explain: Explain
}

/** Makes the evaluator of a server's policies. */
export function createPolicies({
  policies,
  clock,
  logger,
  policyTimeoutMs,
}: ResolvedOptions): PolicyEvaluator {
  return createPolicyEvaluator(policies, { clock, logger, timeoutMs: policyTimeoutMs })
}

export function createRealtimeCore(
  options: ResolvedOptions,
  policies: PolicyEvaluator,
  writes: Writes,
): RealtimeCore {
  const { stores, history, clock, logger, limits, random, newId } = options
  const onError = reporter(logger)
  const entities = knownEntities(stores, options.policies)
  const rights = createRightsStamps()
  const findDenial = createFindDenial(options.policies, entities)
  const askPolicies = createAuthorizeChannel(policies)
  const authorize = tellDenials(askPolicies, findDenial, logger)

  const connections = createWebSocketManager({
    ...options,
    stations: () => ({ channels, router, rightsChanged }),
    onReleased: (connection, end) => plugins.disconnected(connection, end),
    onSignedOut: (userId) => plugins.signedOut(userId),
  })
  const eventBus = createEventBus({
    history,
    epoch: newId(),
    now: () => clock.now(),
    deliver: (transaction) => delivery.deliver(transaction),
    deliverPart: (changes, before) => delivery.deliverPart(changes, before),
    missed: () => channels.beginAnew(),
    onError,
  })
  const channels: Channels = createChannelManager({
    clock,
    random,
    policyTimeoutMs: options.policyTimeoutMs,
    maxSubscriptionsPerConnection: limits.maxSubscriptionsPerConnection,
    maxQueueBytes: limits.maxQueueBytes,
    entities,
    history,
    reader: createHistoryReader({ history, entities, clock, maxRunBytes: limits.maxQueueBytes / 2 }),
    authorize,
    ready: () => eventBus.ready(),
    position: () => eventBus.position,
    send: connections.send,
    sendRun: connections.sendRun,
    fanOut: connections.fanOut,
    refuse: connections.refuse,
    closeSlow: connections.closeSlow,
    onSubscribed: (connection, entry) => plugins.subscribed(connection, entry),
    onUnsubscribed: (connection, entry) => plugins.unsubscribed(connection, entry),
    onRechecked: (connection, entry) => plugins.rechecked(connection, entry),
    rights,
    flush: (entry) => delivery.flush(entry),
    onError,
  })
  const changeRights = createRightsChanges({ connections, channels, rights })
  const rightsChanged = (...scopes: readonly RightsScope[]): Promise<void> => {
    policies.outdate()
    return changeRights(scopes)
  }
  const explain = createExplain({
    authorize: askPolicies,
    findDenial,
    entities,
    history,
    connectionsOf: connections.ofUser,
  })
  const delivery: Delivery = createDelivery({
    channels,
    entities,
    clock,
    onError,
    maxPerSecond: limits.maxChannelChangesPerSecond,
  })
  const plugins: Plugins = startPlugins({ plugins: options.plugins, clock, connections, channels, onError })
  const router: MessageRouter = createMessageRouter({
    clock,
    channels,
    writes,
    authorize,
    policies,
    limits,
    position: () => eventBus.position,
    send: connections.send,
    refuse: connections.refuse,
    pluginFor: (type) => plugins.handlerFor(type),
    authenticate: connections.authenticate,
    watch: () => options.authenticator.watch(),
    closeExpired: connections.closeExpired,
    onError,
  })
  // Asked for now, so that the first subscriber need not wait; when it fails, the first subscribers ask again.
  const head = eventBus.ready()
  if (head instanceof Promise)
    head.catch((error: unknown) => onError(error, 'reading where the change log stands'))
  return { connections, channels, eventBus, delivery, policies, plugins, writes, rightsChanged, explain }
}

/** Says what failed, with its cause; never with a row, a token or a frame. */
function reporter(logger: Logger): (error: unknown, what: string) => void {
  return (error, what) => logger.error(`Something failed: ${what}.`, { error })
}
