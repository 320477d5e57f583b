// The server as applications make it. Holds nothing itself: it wires the stations and ends them.
import { CLOSE_CODES, type Clock, type Logger, type Position, type Principal } from '@dnr/protocol'
import type { ChannelManager } from '../channel/channel-manager.ts'
import type { Explain } from '../channel/explain.ts'
import type { WebSocketManager } from '../connection/web-socket-manager.ts'
import type { EntityEventBus } from '../event-bus/entity-event-bus.ts'
import { createHttpHandler } from '../http/http-handler.ts'
import type { Limits } from '../limits/limits.ts'
import { checkScope, type RightsScope } from '../policy/rights-stamps.ts'
import { createWriteService } from '../writes/write-service.ts'
import { drainConnections, type DrainOptions, waitUntilGone } from './drain.ts'
import { warnOfMissingPolicies } from './missing-policies.ts'
import { type RealtimeServerOptions, resolveOptions } from './options.ts'
import { type Readiness, readReadiness } from './readiness.ts'
import { createPolicies, createRealtimeCore } from './realtime-core.ts'

/** A running server, without a transport: `attachWebSockets` of @dnr/server/ws and `toNodeListener` of @dnr/server/node add one. */
export interface RealtimeServer {
  readonly webSockets: WebSocketManager
  readonly channels: ChannelManager
  /** Takes the changes of a repository: `database.startRelay(realtime.eventBus)`. */
  readonly eventBus: EntityEventBus
  /** Answers `/{Entity}` and `/{Entity}/{id}` under `basePath`. */
  readonly http: (request: Request) => Promise<Response>
  /**
   * Says that rights changed: of one user, of everybody with this `key` of a rule, or on one channel; of several in one call,
   * where they changed together. From the call on nothing is sent by the rights of before. The rules are asked again; live
   * subscriptions get the exact difference (rows that left and entered their sight), or end with `forbidden`; the connection
   * stays. Who was away meanwhile gets the difference on return. Resolves when everybody concerned is up to date.
   */
  invalidate(scopes: RightsScope | readonly RightsScope[]): Promise<void>
  /**
   * Says why a user gets an event on a channel, or does not: subscribed, rule, verdict on the row before and after,
   * group, redaction. The change is one of the log's, given as such, by position, or by offset. For development: it
   * tells of rows that the user may not see.
   */
  readonly explain: Explain
  /** Numbers for a dashboard. */
  stats(): ServerStats
  /**
   * May people be sent here? For a health check: 200, or 503 with this as its body. Not while the server drains, nor while
   * the storage takes no writes; rows are read and events delivered all the same. Answers within 2 s, never rejects.
   */
  readiness(): Promise<Readiness>
  /** Refuses newcomers, asks every client to reconnect, waits, closes. Then the HTTP server can be closed. */
  drain(options?: DrainOptions): Promise<void>
  /** Closes every connection (4503) and stops the plugins. Calling it twice is harmless. */
  close(): Promise<void>
  readonly limits: Limits
  readonly clock: Clock
  readonly logger: Logger
}

export interface ServerStats {
  readonly connections: number
  readonly users: number
  readonly channels: number
  readonly groups: number
  readonly subscriptions: number
  readonly framesSent: number
  /** How often a rule, for rows or for channels, threw, took too long, or answered what is no answer. */
  readonly policyFailures: number
  /** Groups that may lack rows because their rule failed. It is asked again until it answers. */
  readonly groupsInDoubt: number
  /** How often a change could not be told to those who share a rule and a query; they were sent away to ask anew. */
  readonly deliveryFailures: number
  /**
   * How often changes could not be read any more when it was their turn, because another process had trimmed them, no relay
   * ran or a backup was put back; everybody who hears rows was sent away to ask anew.
   */
  readonly logGaps: number
  /** Everything up to here has been delivered; `null` before it is known where the log stands. */
  readonly position: Position | null
  readonly draining: boolean
}

/** A peer that does not answer a close is terminated after one second. */
const CLOSE_WAIT_MS = 1_500

/**
 * Makes a server out of repositories, policies and a way to tell who somebody is. It sends nothing by itself: give its
 * `eventBus` to a relay, and attach a transport.
 *
 * @throws DnrError `bad_option` naming option, value and range.
 * @example
 * const realtime = createRealtimeServer({ repositories: [tasks], history: database.changeLog, authenticate, policies: policies(allow(Task, (user) => user !== null)) })
 * database.startRelay(realtime.eventBus)
 * attachWebSockets(realtime, httpServer, { path: '/ws' })
 */
export function createRealtimeServer<P extends Principal = Principal>(
  options: RealtimeServerOptions<P>,
): RealtimeServer {
  const resolved = resolveOptions(options)
  const { stores, authenticator, basePath, clock, logger, random, limits } = resolved
  const policies = createPolicies(resolved)
  const writes = createWriteService({ stores, policies, clock })
  const { connections, channels, eventBus, delivery, plugins, rightsChanged, explain } = createRealtimeCore(
    resolved,
    policies,
    writes,
  )
  warnOfMissingPolicies(resolved)
  let closing: Promise<void> | null = null

  const close = async (): Promise<void> => {
    connections.beginDraining()
    connections.closeAll(CLOSE_CODES.draining, 'draining')
    await waitUntilGone(connections, clock, CLOSE_WAIT_MS)
    plugins.stop()
    connections.stop()
  }

  return {
    webSockets: connections,
    channels,
    eventBus,
    http: createHttpHandler({
      stores,
      policies,
      writes,
      authenticator,
      basePath,
      logger,
      clock,
      handshakeTimeoutMs: limits.handshakeTimeoutMs,
    }),
    async invalidate(scopes) {
      await rightsChanged(...[scopes].flat().map(checkScope))
    },
    explain,
    stats: () => ({
      connections: connections.connectionCount,
      users: connections.userCount,
      channels: channels.channelCount,
      groups: channels.groupCount,
      subscriptions: channels.subscriptionCount,
      framesSent: connections.framesSent,
      policyFailures: policies.failures,
      groupsInDoubt: channels.groupsInDoubt,
      deliveryFailures: delivery.failures,
      logGaps: eventBus.gaps,
      position: eventBus.position,
      draining: connections.isDraining,
    }),
    readiness: () =>
      readReadiness({ storage: resolved.storage, clock, isDraining: () => connections.isDraining }),
    drain: (drainOptions) => drainConnections(connections, clock, random, drainOptions),
    close: () => (closing ??= close()),
    limits,
    clock,
    logger,
  }
}
