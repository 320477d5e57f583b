// What becomes of a connection: performs what connection-state.ts decides. Holds who is connected, and the timers of
// guests, closes and heartbeats. Comes from web-socket-manager.ts; next: arrivals.ts, message-router.ts, outgoing.ts.
import { CLOSE_CODES, type Clock, type Logger, type Principal, PROTOCOL_VERSION } from '@dnr/protocol'
import type { Channels } from '../channel/channel-manager.ts'
import type { Limits } from '../limits/limits.ts'
import type { RightsScope } from '../policy/rights-stamps.ts'
import type { ConnectionEnd } from '../ports/server-plugin.ts'
import type { Frame, FrameRun } from '../ports/server-socket.ts'
import { type Authenticator, type Credentials, isExpired } from './authenticate.ts'
import { createArrivals } from './arrivals.ts'
import { type Connection, isLive, principalOf } from './connection.ts'
import { type ConnectionRegistry, createConnectionRegistry } from './connection-registry.ts'
import { BINARY_FRAME, type ConnectionEffect, type ConnectionEvent, transition } from './connection-state.ts'
import { createDeadlines } from './deadlines.ts'
import { encodeMessage, type OutgoingMessage } from './frame.ts'
import type { FanOut } from './fan-out.ts'
import { createHeartbeat } from './heartbeat.ts'
import type { MessageRouter } from './message-router.ts'
import { createOutgoing } from './outgoing.ts'
import type { Refusal } from './refusal.ts'
import { hasOtherRights } from './rights.ts'
import { createSessionEnds } from './session-ends.ts'
import { createSigningIn } from './signing-in.ts'

export interface ConnectionLifeOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly limits: Limits
  readonly heartbeatIntervalMs: number
  readonly authenticator: Authenticator
  /** May a connection stay that is nobody's? */
  readonly guests: boolean
  /** How long before its end a session is to be renewed. */
  readonly refreshLeadMs: number
  readonly random: () => number
  /** The stations that are made after this one. */
  stations(): {
    readonly channels: Channels
    readonly router: MessageRouter
    /** Somebody has other rights from now on. */
    rightsChanged(scope: RightsScope): Promise<void>
  }
  /** It has been sent `connected`. */
  onWelcomed(connection: Connection): void
  onReleased(connection: Connection, end: ConnectionEnd): void
}

/** Moves connections from state to state. */
export interface ConnectionLife {
  readonly registry: ConnectionRegistry
  readonly framesSent: number
  /** Counts a new connection and looks after it from now on. */
  begin(connection: Connection): void
  dispatch(connection: Connection, event: ConnectionEvent): void
  /** Finds out whose it is; answers with `connected`, `authenticated` or a close. */
  authenticate(connection: Connection, credentials: Credentials, requestId?: string): void
  close(connection: Connection, code: number, reason: string): void
  /** Closes a connection whose peer does not read. */
  closeSlow(connection: Connection): void
  /** Closes a connection whose session is over; `false` when it is not. */
  closeExpired(connection: Connection): boolean
  send(connection: Connection, frame: Frame): void
  sendRun(connection: Connection, run: FrameRun): void
  readonly fanOut: FanOut
  say(connection: Connection, message: OutgoingMessage): void
  refuse(connection: Connection, refusal: Refusal): void
  stop(): void
}

/** How long a peer may take to answer a close. */
const CLOSE_TIMEOUT_MS = 1_000
/** Pings without an answer that mean that nobody is there. */
const MAX_UNANSWERED_PINGS = 2

export function createConnectionLife(options: ConnectionLifeOptions): ConnectionLife {
  const { clock, logger, limits, heartbeatIntervalMs, stations } = options
  const registry = createConnectionRegistry()

  const dispatch = (connection: Connection, event: ConnectionEvent, requestId?: string): void => {
    if (event.type === 'gone') arrivals.end(connection)
    // What was said before it closes still reaches it.
    outgoing.fanOut.flush()
    const { state, effects } = transition(connection.state, event)
    connection.state = state
    for (const effect of effects) perform(connection, effect, requestId)
    if (event.type === 'accepted') arrivals.goOn(connection)
  }

  const perform = (connection: Connection, effect: ConnectionEffect, requestId: string | undefined): void => {
    switch (effect.type) {
      case 'handle':
        return arrivals.take(connection, effect.text)
      case 'welcome':
        return welcome(connection, effect.principal)
      case 'welcome-back':
        return welcomeBack(connection, effect, requestId)
      case 'close':
        return closeSocket(connection, effect.code, effect.reason)
      case 'release':
        return release(connection, effect.code, effect.reason)
    }
  }

  const handleInTurn = (connection: Connection, text: string): void => {
    if (connection.state.status === 'open') return handle(connection, text)
    // An `auth` among the frames that waited makes the rest wait again.
    dispatch(connection, { type: 'frame', text, byteLength: Buffer.byteLength(text) })
  }
  const handle = (connection: Connection, text: string): void => {
    if (text !== BINARY_FRAME) return stations().router.handle(connection, text)
    refuse(connection, { code: 'binary_frame', message: 'Frames are JSON text; this one was binary.' })
  }
  const arrivals = createArrivals(clock, () => stations().channels.isCrowded, handleInTurn)

  const welcome = (connection: Connection, principal: Principal | null): void => {
    if (!admitUser(connection, principal)) return
    const payload = {
      connectionId: connection.id,
      userId: principal?.id ?? null,
      expiresAt: principal?.expiresAt ?? null,
      protocolVersion: PROTOCOL_VERSION,
      heartbeatIntervalMs,
      limits: {
        maxSubscriptionsPerConnection: orNull(limits.maxSubscriptionsPerConnection),
        maxFrameBytes: orNull(limits.maxFrameBytes),
        maxMessagesPerSecond: orNull(limits.maxMessagesPerSecond),
        maxMessageBurst: orNull(limits.maxMessageBurst),
      },
    }
    say(connection, { type: 'connected', payload })
    options.onWelcomed(connection)
  }

  const welcomeBack = (
    connection: Connection,
    { principal, before }: Extract<ConnectionEffect, { type: 'welcome-back' }>,
    requestId: string | undefined,
  ): void => {
    if (!admitUser(connection, principal)) return
    const payload = { userId: principal.id, expiresAt: principal.expiresAt ?? null }
    say(connection, { type: 'authenticated', payload, requestId })
    // Before the frames that waited are handled: what they ask for is judged by the rights of today.
    if (before !== null && hasOtherRights(before, principal))
      void stations().rightsChanged({ userId: principal.id })
  }

  const admitUser = (connection: Connection, principal: Principal | null): boolean => {
    if (principal === null) {
      if (!options.guests) guests.add(connection)
      return true
    }
    guests.remove(connection)
    const own = registry.ofUser(principal.id)
    if (own.length >= limits.maxConnectionsPerUser && !own.includes(connection)) {
      close(connection, CLOSE_CODES.tooMany, 'too_many_connections')
      return false
    }
    registry.addUser(principal.id, connection)
    sessionEnds.watch(connection)
    return true
  }

  const closeSocket = (connection: Connection, code: number, reason: string): void => {
    forget(connection)
    closings.add(connection)
    connection.socket.close(code, reason)
    // Its peer may take its time to answer, and what it was shown is nobody's any more. Not now: it may be one of many who are sent to.
    queueMicrotask(() => stations().channels.release(connection))
  }

  const release = (connection: Connection, code: number, reason: string): void => {
    forget(connection)
    closings.remove(connection)
    heartbeat.remove(connection)
    registry.remove(connection)
    stations().channels.release(connection)
    const isSilent = connection.unansweredPings >= MAX_UNANSWERED_PINGS
    const silentMs = isSilent ? clock.monotonic() - connection.heardMark : 0
    options.onReleased(connection, { code, reason, silentMs })
    logger.debug('A connection ended.', { connectionId: connection.id, code })
  }

  /** Nobody signs in with it any more. */
  const forget = (connection: Connection): void => {
    signingIn.giveUp(connection)
    guests.remove(connection)
    sessionEnds.forget(connection)
  }

  const close = (connection: Connection, code: number, reason: string): void =>
    dispatch(connection, { type: 'close', code, reason })

  const closeAsExpired = (connection: Connection): void =>
    close(connection, CLOSE_CODES.unauthorized, 'token_expired')

  const closeExpired = (connection: Connection): boolean => {
    const principal = principalOf(connection)
    if (principal === null || !isExpired(principal, clock.now())) return false
    closeAsExpired(connection)
    return true
  }

  const closeSlow = (connection: Connection): void => {
    if (!isLive(connection)) return
    logger.info('A connection does not read what it is sent and is closed.', { connectionId: connection.id })
    close(connection, CLOSE_CODES.heartbeatTimeout, 'slow_consumer')
  }

  const closeBroken = (connection: Connection, error: unknown): void => {
    logger.error('A socket threw while it was written to; its connection is closed.', { error })
    close(connection, CLOSE_CODES.internal, 'internal')
  }

  const outgoing = createOutgoing({
    maxQueueBytes: limits.maxQueueBytes,
    clock,
    onSlow: closeSlow,
    onBroken: closeBroken,
  })
  const say = (connection: Connection, message: OutgoingMessage): void =>
    outgoing.send(connection, encodeMessage(message, clock.now()))

  const refuse = (connection: Connection, refusal: Refusal): void => {
    const { code, message, requestId, channel, subscription, ended, retryAfterMs, details } = refusal
    const address = { type: 'error', channel, subscription, requestId, ended }
    try {
      say(connection, { ...address, payload: { code, message, retryAfterMs, details } })
    } catch (error) {
      // The details are an application's own; the answer goes out without those that are no JSON.
      logger.error(`The details of ${code} could not be encoded.`, { error })
      say(connection, { ...address, payload: { code, message, retryAfterMs } })
    }
  }

  const signingIn = createSigningIn({
    clock,
    logger,
    authenticator: options.authenticator,
    timeoutMs: limits.handshakeTimeoutMs,
    settle: (connection, result, requestId) =>
      dispatch(
        connection,
        result.ok
          ? { type: 'accepted', principal: result.principal }
          : { type: 'refused', code: result.code, reason: result.reason },
        requestId,
      ),
    fail: (connection, reason) => close(connection, CLOSE_CODES.internal, reason),
  })
  const guests = createDeadlines<Connection>(clock, limits.handshakeTimeoutMs, (connection) =>
    close(connection, CLOSE_CODES.unauthorized, 'unauthorized'),
  )
  const sessionEnds = createSessionEnds({
    clock,
    random: options.random,
    leadMs: options.refreshLeadMs,
    ask(connection, expiresAt) {
      // Whoever is being authenticated has answered already.
      if (connection.state.status === 'open') say(connection, { type: 'auth', payload: { expiresAt } })
    },
    end: closeAsExpired,
  })
  const closings = createDeadlines<Connection>(clock, CLOSE_TIMEOUT_MS, ({ socket }) => socket.terminate())
  const heartbeat = createHeartbeat({
    clock,
    intervalMs: heartbeatIntervalMs,
    beat(connection) {
      if (connection.unansweredPings >= MAX_UNANSWERED_PINGS)
        return close(connection, CLOSE_CODES.heartbeatTimeout, 'disconnected')
      // Before the ping: a transport that sees the peer take what waits for it answers at once.
      connection.unansweredPings++
      connection.socket.ping()
    },
    tick: () => sessionEnds.look(),
  })

  return {
    registry,
    get framesSent() {
      return outgoing.framesSent
    },
    begin(connection) {
      registry.add(connection)
      heartbeat.add(connection)
    },
    dispatch,
    authenticate: signingIn.begin,
    close,
    closeSlow,
    closeExpired,
    send: (connection, frame) => outgoing.send(connection, frame),
    sendRun: (connection, run) => outgoing.sendRun(connection, run),
    fanOut: outgoing.fanOut,
    say,
    refuse,
    stop() {
      signingIn.stop()
      guests.stop()
      sessionEnds.stop()
      closings.stop()
      heartbeat.stop()
    },
  }
}

function orNull(limit: number): number | null {
  return Number.isFinite(limit) ? limit : null
}
