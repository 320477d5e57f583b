// Where a connection stands. Pure: the shell (web-socket-manager.ts) performs the effects.
//
//              ┌──────────── frame: waits ───────────┐
//              ▼                                     │
//   connect ─▶ authenticating ──accepted──▶ open ──auth──▶ (authenticating, welcomed)
//              │      refused,               │
//              │      overdue, close         │ close
//              ▼                             ▼
//              └──────────▶ closing ◀────────┘        any ──gone──▶ closed
import type { Principal } from '@dnr/protocol'

/** A connection's state. `welcomed`: has `connected` been sent? */
export type ConnectionState =
  | {
      readonly status: 'authenticating'
      readonly welcomed: boolean
      /** Who it is so far: a live connection keeps hearing its channels while its token is renewed. */
      readonly principal: Principal | null
      readonly waiting: readonly string[]
      readonly waitingBytes: number
    }
  | { readonly status: 'open'; readonly principal: Principal | null }
  | { readonly status: 'closing'; readonly code: number; readonly reason: string }
  | { readonly status: 'closed'; readonly code: number }

export type ConnectionEvent =
  /** A frame came that is within the rate limit. */
  | { readonly type: 'frame'; readonly text: string; readonly byteLength: number }
  /** An `auth` message is being handled. */
  | { readonly type: 'auth' }
  | { readonly type: 'accepted'; readonly principal: Principal | null }
  | { readonly type: 'refused'; readonly code: number; readonly reason: string }
  /** We end it. */
  | { readonly type: 'close'; readonly code: number; readonly reason: string }
  /** The socket is gone. */
  | { readonly type: 'gone'; readonly code: number }

export type ConnectionEffect =
  | { readonly type: 'handle'; readonly text: string }
  | { readonly type: 'welcome'; readonly principal: Principal | null }
  /** `before`: who they were until now. */
  | { readonly type: 'welcome-back'; readonly principal: Principal; readonly before: Principal | null }
  | { readonly type: 'close'; readonly code: number; readonly reason: string }
  /** Give everything back: subscriptions, counts, timers. */
  | { readonly type: 'release'; readonly code: number; readonly reason: string }

export interface Transition {
  readonly state: ConnectionState
  readonly effects: readonly ConnectionEffect[]
}

/** Frames that may wait for `connected`; more is close 4429. */
export const MAX_WAITING_FRAMES = 16
/** Bytes of them. */
export const MAX_WAITING_BYTES = 65_536
/**
 * Bytes that may wait for `authenticated`; more is close 4429. How many frames that are is limited by their rate alone, of
 * which a client has been told.
 */
export const MAX_RENEWING_BYTES = 1_048_576
/** What a frame takes beside its bytes. */
const PLACE_BYTES = 64

/** Stands for a binary frame among the others. No text of a client means anything by it; who sends it is answered alike. */
export const BINARY_FRAME = '\u0000'

export const newConnection: ConnectionState = {
  status: 'authenticating',
  welcomed: false,
  principal: null,
  waiting: [],
  waitingBytes: 0,
}

const NONE: readonly ConnectionEffect[] = []

/** What an event makes of a connection, and what is to be done. Total: an event that does not fit changes nothing. */
export function transition(state: ConnectionState, event: ConnectionEvent): Transition {
  switch (state.status) {
    case 'authenticating':
      return whileAuthenticating(state, event)
    case 'open':
      return whileOpen(state, event)
    case 'closing':
      return event.type === 'gone' ? closed(state.code, state.reason) : stay(state)
    case 'closed':
      return stay(state)
  }
}

type Authenticating = Extract<ConnectionState, { status: 'authenticating' }>

function whileAuthenticating(state: Authenticating, event: ConnectionEvent): Transition {
  switch (event.type) {
    case 'frame': {
      const waiting = [...state.waiting, event.text]
      const waitingBytes = state.waitingBytes + event.byteLength
      const waits = { ...state, waiting, waitingBytes }
      return isTooMuch(waits) ? closing(4429, 'rate_limited') : { state: waits, effects: NONE }
    }
    case 'accepted':
      return accepted(state, event.principal)
    case 'refused':
    case 'close':
      return closing(event.code, event.reason)
    case 'gone':
      return closed(event.code)
    case 'auth':
      return stay(state)
  }
}

function isTooMuch({ welcomed, waiting, waitingBytes }: Authenticating): boolean {
  if (!welcomed) return waiting.length > MAX_WAITING_FRAMES || waitingBytes > MAX_WAITING_BYTES
  // One may always wait: how long a frame may be has been decided before.
  return waiting.length > 1 && waitingBytes + waiting.length * PLACE_BYTES > MAX_RENEWING_BYTES
}

function accepted(state: Authenticating, principal: Principal | null): Transition {
  if (state.principal !== null && principal?.id !== state.principal.id) return closing(4403, 'forbidden')
  const welcome: ConnectionEffect =
    state.welcomed && principal !== null
      ? { type: 'welcome-back', principal, before: state.principal }
      : { type: 'welcome', principal }
  return {
    state: { status: 'open', principal },
    effects: [welcome, ...state.waiting.map((text) => ({ type: 'handle', text }) as const)],
  }
}

function whileOpen(state: Extract<ConnectionState, { status: 'open' }>, event: ConnectionEvent): Transition {
  switch (event.type) {
    case 'frame':
      return { state, effects: [{ type: 'handle', text: event.text }] }
    case 'auth':
      return {
        state: {
          status: 'authenticating',
          welcomed: true,
          principal: state.principal,
          waiting: [],
          waitingBytes: 0,
        },
        effects: NONE,
      }
    case 'close':
      return closing(event.code, event.reason)
    case 'gone':
      return closed(event.code)
    case 'accepted':
    case 'refused':
      return stay(state)
  }
}

function closing(code: number, reason: string): Transition {
  return { state: { status: 'closing', code, reason }, effects: [{ type: 'close', code, reason }] }
}

function closed(code: number, reason = ''): Transition {
  return { state: { status: 'closed', code }, effects: [{ type: 'release', code, reason }] }
}

function stay(state: ConnectionState): Transition {
  return { state, effects: NONE }
}
