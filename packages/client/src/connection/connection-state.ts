// First station of a frame's way in. Holds the rules of being connected: what happens when a socket opens, drops or is
// refused, when the next try is, and why. It touches no socket and no timer, and reads the clock it is given; connection.ts performs its effects.
//
//              ┌─connect─────────── needs-auth ◀─a fresh token was refused too─┐
//              ▼                                                               │
//   idle ─connect▶ connecting ─opened▶ authenticating ─welcomed▶ ready ────────┤
//                      ▲  │ └────────lost─────────┴────────lost/drain─┐        │
//                      │  └─4401: once more, with a new token; revoked: at once┘
//                      └──────due, wake────────────── waiting ◀───────┘
//
//   any ─disconnect▶ idle     any ─close▶ closed     lost with "stay away" ─▶ closed (with its cause; connect tries again)
//   page put away ─▶ suspended ─page shown▶ connecting
import { fullJitterDelayMs } from '@dnr/internal'
import { type Clock, DnrError, type ErrorCode, reconnectAdvice } from '@dnr/protocol'

/** Where the connection stands, why, and when it goes on: made to be shown to people. */
export type ConnectionState =
  /** Nobody asked to connect, or `disconnect()` was called. */
  | { readonly status: 'idle' }
  /** Asking for a token and opening a socket. `attempt` counts from 1 since the last connection that held. */
  | { readonly status: 'connecting'; readonly attempt: number; readonly refreshed: boolean }
  /** The socket is open, the server has not said `connected` yet. */
  | { readonly status: 'authenticating'; readonly attempt: number; readonly refreshed: boolean }
  /** Connected. `userId` is `null` for a guest; `since` is a monotonic time, as `performance.now()`: the wall clock may jump. */
  | {
      readonly status: 'ready'
      readonly attempt: number
      readonly refreshed: boolean
      readonly connectionId: string
      readonly userId: string | null
      readonly since: number
    }
  /** Lost; the try number `attempt` begins at `retryAt` (epoch milliseconds), or at once by `retryNow()`. */
  | {
      readonly status: 'waiting'
      readonly attempt: number
      readonly retryAt: number
      readonly cause: DnrError
    }
  /** The page is hidden for good or kept in the back/forward cache; it goes on when it is shown. */
  | { readonly status: 'suspended' }
  /** The token was refused and a fresh one too, there is none, or it was revoked: see `cause`. `connect()` asks for another. */
  | { readonly status: 'needs-auth'; readonly cause: DnrError }
  /** Closed by `close()` for ever (`cause: null`), or sent away by the server. */
  | { readonly status: 'closed'; readonly cause: DnrError | null }

export type ConnectionStatus = ConnectionState['status']

/** What happens to a connection. `jitter` is a random number from 0 up to 1. */
export type ConnectionEvent =
  | { readonly type: 'connect' }
  | { readonly type: 'disconnect' }
  | { readonly type: 'close' }
  | { readonly type: 'opened' }
  | { readonly type: 'welcomed'; readonly connectionId: string; readonly userId: string | null }
  | { readonly type: 'lost'; readonly code: number; readonly reason: string; readonly jitter: number }
  /** `getToken` failed. */
  | { readonly type: 'tokenless'; readonly error: DnrError; readonly jitter: number }
  /** The server goes away and named our time to come back. */
  | { readonly type: 'drain'; readonly delayMs: number }
  /** The time of the next try has come. */
  | { readonly type: 'due' }
  /** A hint that it may work now: online again, visible again, somebody pressed "retry". */
  | { readonly type: 'wake' }
  | { readonly type: 'offline'; readonly jitter: number }
  /** The page is put away; `persisted`: it may come back. */
  | { readonly type: 'hide'; readonly persisted: boolean }
  | { readonly type: 'show' }

/**
 * What the shell does about it: `open` a new attempt (and forget the old one) · `drop` the socket, we come back · `leave`
 * with code 1000, we do not · `wait` until `retryAt` · `beat`: begin the heartbeat · `probe`: ask for a sign of life now.
 */
export type ConnectionEffect = 'open' | 'drop' | 'leave' | 'wait' | 'beat' | 'probe'

export interface ConnectionRules {
  /** Upper bounds of the first and of every delay before a new try. */
  readonly baseMs: number
  readonly maxMs: number
  /** A connection that held this long was a good one: the count of tries begins again. */
  readonly stableMs: number
  /** Can a new token be had? */
  readonly canRefresh: boolean
}

export interface ConnectionStep {
  readonly state: ConnectionState
  readonly effects: readonly ConnectionEffect[]
}

type Trying = Extract<ConnectionState, { readonly attempt: number; readonly refreshed: boolean }>

/** The state after `event`, and what is to be done. Total: what does not matter in a state changes nothing. */
export function transition(
  state: ConnectionState,
  event: ConnectionEvent,
  clock: Pick<Clock, 'now' | 'monotonic'>,
  rules: ConnectionRules,
): ConnectionStep {
  const { status } = state
  const trying = 'refreshed' in state ? state : null
  const stay = to(state)
  if (status === 'closed' && !state.cause) return stay
  switch (event.type) {
    case 'connect':
      return trying ? stay : open()
    case 'disconnect':
      return status === 'idle' ? stay : to({ status: 'idle' }, 'leave')
    case 'close':
      return to({ status: 'closed', cause: null }, 'leave')
    case 'opened':
      return status === 'connecting' ? to({ ...state, status: 'authenticating' }) : stay
    case 'welcomed': {
      const { connectionId, userId } = event
      return status === 'authenticating'
        ? to({ ...state, status: 'ready', connectionId, userId, since: clock.monotonic() }, 'beat')
        : stay
    }
    case 'lost':
      return trying ? afterLoss(trying, event, clock, rules) : stay
    case 'tokenless':
      if (status !== 'connecting') return stay
      return event.error.retryable
        ? wait(state.attempt + 1, event, clock, rules, event.error)
        : to({ status: 'needs-auth', cause: event.error }, 'drop')
    case 'drain':
      return trying ? waitFor(1, event.delayMs, clock, lossOf('draining', 'The server is going away.')) : stay
    case 'due':
      return status === 'waiting' ? open(state.attempt) : stay
    case 'wake':
      return status === 'waiting' ? open(state.attempt) : status === 'ready' ? to(state, 'probe') : stay
    case 'offline':
      if (status === 'ready') return to(state, 'probe')
      return trying
        ? wait(trying.attempt, event, clock, rules, lossOf('disconnected', 'The network is offline.'))
        : stay
    case 'hide':
      return trying || status === 'waiting'
        ? to({ status: 'suspended' }, event.persisted ? 'drop' : 'leave')
        : stay
    case 'show':
      return status === 'suspended' ? open() : stay
  }
}

function to(state: ConnectionState, ...effects: ConnectionEffect[]): ConnectionStep {
  return { state, effects }
}

function open(attempt = 1, refreshed = false): ConnectionStep {
  return to({ status: 'connecting', attempt, refreshed }, 'open')
}

function wait(
  attempt: number,
  { jitter }: { jitter: number },
  clock: Pick<Clock, 'now' | 'monotonic'>,
  rules: ConnectionRules,
  cause: DnrError,
): ConnectionStep {
  return waitFor(
    attempt,
    fullJitterDelayMs(attempt - 1, rules, () => jitter),
    clock,
    cause,
  )
}

function waitFor(
  attempt: number,
  delayMs: number,
  clock: Pick<Clock, 'now'>,
  cause: DnrError,
): ConnectionStep {
  return to({ status: 'waiting', attempt, retryAt: clock.now() + delayMs, cause }, 'drop', 'wait')
}

function afterLoss(
  state: Trying,
  event: Extract<ConnectionEvent, { type: 'lost' }>,
  clock: Pick<Clock, 'now' | 'monotonic'>,
  rules: ConnectionRules,
): ConnectionStep {
  const { code, reason } = event
  const held = state.status === 'ready' && clock.monotonic() - state.since >= rules.stableMs
  const advice = reconnectAdvice(code)
  // The server gives its error code as the reason; a proxy or a dead network gives none.
  const named = (/^[a-z_]+$/.test(reason) ? reason : (CODE_OF_CLOSE[code] ?? 'disconnected')) as ErrorCode
  const cause = lossOf(
    named,
    `The connection was closed (${code}).`,
    advice === 'backoff' || advice === 'now',
  )
  if (advice === 'no') return to({ status: 'closed', cause }, 'drop')
  if (advice === 'refresh-token') {
    return rules.canRefresh && reason !== 'token_revoked' && (held || !state.refreshed)
      ? open(held ? 1 : state.attempt, true)
      : to({ status: 'needs-auth', cause }, 'drop')
  }
  return advice === 'now' && held ? open() : wait(held ? 1 : state.attempt + 1, event, clock, rules, cause)
}

const CODE_OF_CLOSE: Readonly<Record<number, ErrorCode>> = {
  4400: 'bad_message',
  4401: 'unauthorized',
  4403: 'forbidden',
}

/** Why there is no connection. */
export function lossOf(code: ErrorCode, message: string, retryable = true): DnrError {
  return new DnrError(code, message, { retryable })
}
