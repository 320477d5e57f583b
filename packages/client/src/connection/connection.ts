// The shell around connection-state.ts: holds the one socket, its timers and its token, and performs the machine's effects.
// It knows no channels; what arrives goes on to request/ and channel/.
import { toJson } from '@dnr/internal'
import { type ReadonlySignal, signal } from '@preact/signals-core'
import {
  type Clock,
  DnrError,
  type ErrorCode,
  type ServerMessage,
  SUBPROTOCOL,
  toDnrError,
} from '@dnr/protocol'
import {
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionState,
  lossOf,
  transition,
} from './connection-state.ts'
import type { Environment } from './environment.ts'
import { createHeartbeat } from './heartbeat.ts'
import { createPace } from './pace.ts'
import type { SocketFactory, SocketLike } from './socket.ts'

export interface ConnectionOptions {
  readonly url: string
  readonly getToken?: () => string | null | Promise<string | null>
  readonly clock: Clock
  readonly random: () => number
  readonly createSocket: SocketFactory
  readonly environment: Environment
  readonly backoffBaseMs: number
  readonly backoffMaxMs: number
  readonly stableMs: number
  readonly connectTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly heartbeatTimeoutMs: number
  /** Every message but `connected`, `auth` and `reconnect`, in order. */
  onMessage(message: ServerMessage): void
  /** The socket is up (`true`, after `connected`) and whose it is, or gone (`false`); called before the state signal says so. */
  onReady(ready: boolean, userId: string | null): void
  /** Calls; what it throws is reported and stops nobody. */
  guard(call: () => void, code?: ErrorCode, what?: string): void
}

export interface Connection {
  readonly state: ReadonlySignal<ConnectionState>
  /** The server's wall clock minus ours, estimated from the last frame that told. */
  readonly serverTimeOffsetMs: number
  dispatch(event: ConnectionEvent): void
  /**
   * Hands a message to the socket, now or as soon as the server's rate allows; then `sent` is called. An error in answer says
   * why it will not be sent; it never throws.
   */
  send(message: object, sent?: () => void): DnrError | null
  /** Asks for a sign of life now; without one the socket is given up. */
  probe(): void
}

export function createConnection(options: ConnectionOptions): Connection {
  const { clock, random, getToken, guard } = options
  const rules = {
    baseMs: options.backoffBaseMs,
    maxMs: options.backoffMaxMs,
    stableMs: options.stableMs,
    canRefresh: !!getToken,
  }
  const state = signal<ConnectionState>({ status: 'idle' })
  const queue: ConnectionEvent[] = []
  let current = state.peek()
  let isDispatching = false
  let socket: SocketLike | null = null
  let question = {} // its identity tells the last call of getToken from those whose answers come too late
  let isRefreshing = false
  let cancelTimer = (): void => {}
  let maxFrameBytes = Infinity
  let serverTimeOffsetMs = 0
  const pace = createPace(clock, guard)

  const heartbeat = createHeartbeat(
    clock,
    options.heartbeatIntervalMs,
    options.heartbeatTimeoutMs,
    () => send({ type: 'ping' }),
    () => lose(1006),
  )
  const ignoreEnvironment = options.environment.listen((event) =>
    dispatch({ ...event, jitter: random() } as ConnectionEvent),
  )

  /** Events that arise while effects run wait their turn, so that every state is left before the next is entered. */
  function dispatch(event: ConnectionEvent): void {
    queue.push(event)
    if (isDispatching) return
    isDispatching = true
    for (let next = queue.shift(); next; next = queue.shift()) {
      const before = current.status
      const step = transition(current, next, clock, rules)
      current = step.state
      step.effects.forEach(perform)
      const { status, userId = null } = current as Partial<Extract<ConnectionState, { status: 'ready' }>>
      const isReady = status === 'ready'
      if (isReady !== (before === 'ready')) options.onReady(isReady, userId)
      if (next.type === 'close') ignoreEnvironment()
      guard(() => (state.value = current))
    }
    isDispatching = false
  }

  function perform(effect: ConnectionEffect): void {
    if (effect === 'probe') return heartbeat.probe()
    cancelTimer()
    if (effect === 'beat') heartbeat.start()
    else if (effect === 'wait') {
      const { retryAt } = current as Extract<ConnectionState, { status: 'waiting' }>
      cancelTimer = clock.setTimeout(() => dispatch({ type: 'due' }), retryAt - clock.now())
    } else {
      // Without a code the server keeps our place for a while.
      abandon(effect === 'leave' ? 1000 : undefined)
      if (effect === 'open') open()
    }
  }

  /** Forgets the socket, and whatever still comes from it. */
  function abandon(code?: number): void {
    question = {}
    isRefreshing = false
    heartbeat.stop()
    pace.begin()
    if (!socket) return
    socket.onopen = socket.onmessage = socket.onclose = null
    socket.close(code)
    socket = null
  }

  function lose(code: number, reason = ''): void {
    dispatch({ type: 'lost', code, reason, jitter: random() })
  }

  function open(): void {
    cancelTimer = clock.setTimeout(() => lose(1006, 'timeout'), options.connectTimeoutMs)
    askToken(
      (token) => {
        if (!token && (current as { refreshed?: boolean }).refreshed)
          throw new DnrError('needs_auth', 'There is no token.')
        openSocket(token)
      },
      (cause) => {
        const error = toDnrError(cause, 'disconnected', 'getToken failed.', { retryable: true })
        dispatch({ type: 'tokenless', error, jitter: random() })
      },
    )
  }

  /** Calls one of the two, unless the attempt ends, or a newer token is asked for, first. */
  function askToken(use: (token: string | null) => void, failed: (cause: unknown) => void): void {
    const mine = (question = {})
    void Promise.resolve(null)
      .then(getToken)
      .then((token) => mine === question && use(token))
      .catch((cause: unknown) => mine === question && failed(cause))
  }

  /** The session ends soon. What fails here is not told: without an answer the server asks again. */
  function refresh(): void {
    if (isRefreshing) return
    isRefreshing = true
    const done = (): void => {
      isRefreshing = false
    }
    cancelTimer()
    cancelTimer = clock.setTimeout(done, options.connectTimeoutMs)
    askToken((token) => {
      done()
      if (token) send({ type: 'auth', payload: { token } })
    }, done)
  }

  function openSocket(token: string | null): void {
    const protocols: string[] = [SUBPROTOCOL]
    let { url } = options
    // A subprotocol stays out of proxies' access logs; only what an HTTP token cannot carry goes into the URL.
    if (token && /^[\w.~!#$&'*+^`|%-]+$/.test(token)) protocols.push(`bearer.${token}`)
    else if (token) url += `${url.includes('?') ? '&' : '?'}token=${encodeURIComponent(token)}`
    guard(
      () => {
        socket = options.createSocket(url, protocols)
        socket.onopen = () => dispatch({ type: 'opened' })
        socket.onerror = () => {} // a close follows
        socket.onclose = ({ code, reason }: CloseEvent) => lose(code, reason)
        socket.onmessage = ({ data }: MessageEvent) => {
          heartbeat.heard()
          guard(
            () => receive(JSON.parse(data as string) as ServerMessage),
            'bad_message',
            'A frame could not be read.',
          )
        }
      },
      'bad_option',
      'The socket could not be made.',
    )
    if (!socket) lose(1006)
  }

  function receive(message: ServerMessage): void {
    const { type } = message
    if (type === 'connected' || type === 'pong') serverTimeOffsetMs = message.timestamp - clock.now()
    if (type === 'connected') {
      const { limits } = message.payload
      maxFrameBytes = limits?.maxFrameBytes ?? Infinity
      pace.begin(limits)
      dispatch({ ...message.payload, type: 'welcomed' })
    } else if (type === 'auth') refresh()
    else if (type === 'reconnect') dispatch({ ...message.payload, type: 'drain' })
    else {
      if (isOverRate(message)) pace.exhaust()
      options.onMessage(message)
    }
  }

  function send(message: object, sent?: () => void): DnrError | null {
    if (current.status !== 'ready' || socket?.readyState !== 1) return disconnected()
    try {
      const text = toJson(message)
      if (new TextEncoder().encode(text).length > maxFrameBytes) {
        return new DnrError('too_big', `A frame has at most ${maxFrameBytes} bytes.`)
      }
      // A sign of life and a new token cannot wait behind what others send.
      pace.pass(
        () => {
          socket?.send(text)
          sent?.()
        },
        /^(ping|auth)$/.test((message as ServerMessage).type),
      )
      return null
    } catch (error) {
      return toDnrError(error, 'bad_message', 'The message could not be sent.')
    }
  }

  return {
    state,
    get serverTimeOffsetMs() {
      return serverTimeOffsetMs
    },
    dispatch,
    send,
    probe: heartbeat.probe,
  }
}

/**
 * The server has counted more frames than it allows; what came after is not handled, and nothing else says which. With a channel
 * it is a room that has heard enough.
 */
export function isOverRate(message: ServerMessage): message is Extract<ServerMessage, { type: 'error' }> {
  return (
    message.type === 'error' &&
    !message.requestId &&
    !message.channel &&
    message.payload.code === 'rate_limited'
  )
}

/** There is no connection, or it ended before the answer came. */
export function disconnected(): DnrError {
  return lossOf('disconnected', 'The connection is down.')
}
