import { systemClock, systemRandom } from '@dnr/internal'
import { type Clock, DnrError } from '@dnr/protocol'
import { browserEnvironment, openWebSocket } from './connection/browser-environment.ts'
import type { Environment } from './connection/environment.ts'
import type { SocketFactory } from './connection/socket.ts'

export interface RealtimeClientOptions {
  /** Where the server listens: `wss://example.com/ws`. */
  readonly url: string
  /**
   * Returns the token to connect with, `null` for a guest. Called before every connect, once more when a token was refused, and
   * when the session is about to end; one call at a time, given up after `connectTimeoutMs`: a token that comes later never
   * replaces a newer one. What it throws is tried again later, but a `DnrError` that is not retryable (`unauthorized`), and
   * `null` after a token was refused, make the state `needs-auth`.
   * @default always a guest
   */
  readonly getToken?: () => string | null | Promise<string | null>
  /** Connect at once? `false` waits for `connect()`. @default true */
  readonly connect?: boolean
  /** Upper bound of the first delay before a new try, ms; it doubles with each, and the delay is drawn below it. @default 1_000 */
  readonly backoffBaseMs?: number
  /** Upper bound of every delay, ms. The number of tries has none. @default 30_000 */
  readonly backoffMaxMs?: number
  /** After a connection that held this long, tries are counted from 1 again, ms. @default 5_000 */
  readonly stableMs?: number
  /** Longest time for token, socket and welcome together, ms; then the try has failed. @default 15_000 */
  readonly connectTimeoutMs?: number
  /** Time between pings, ms. `Infinity` switches them off, and with them the notice of half-open sockets. @default 25_000 */
  readonly heartbeatIntervalMs?: number
  /** Silence after a ping that makes a connection dead, ms; one last second follows. @default 5_000 */
  readonly heartbeatTimeoutMs?: number
  /** How long a request waits for its answer, ms; then it fails with `timeout` and the connection is probed. @default 10_000 */
  readonly requestTimeoutMs?: number
  /** How long a subscription outlives its last listener, ms: a remount finds it still there. `0`: to the next tick. @default 1_000 */
  readonly lingerMs?: number
  /** @default the platform's WebSocket */
  readonly createSocket?: SocketFactory
  /** Network and page events. @default those of the page, none where there is no page */
  readonly environment?: Environment
  /** @default the system's clock */
  readonly clock?: Clock
  /** Numbers from 0 up to 1 for the spread of reconnects. @default Math.random */
  readonly random?: () => number
}

export const DEFAULT_OPTIONS = {
  connect: true,
  backoffBaseMs: 1_000,
  backoffMaxMs: 30_000,
  stableMs: 5_000,
  connectTimeoutMs: 15_000,
  heartbeatIntervalMs: 25_000,
  heartbeatTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
  lingerMs: 1_000,
} as const

/** All options with their defaults. @throws DnrError `bad_option` */
export function readOptions(options: RealtimeClientOptions) {
  if (!/^wss?:\/\//.test(options.url)) {
    throw new DnrError('bad_option', `url is ws:// or wss://, not "${options.url}".`)
  }
  const read = {
    ...DEFAULT_OPTIONS,
    createSocket: openWebSocket,
    environment: browserEnvironment,
    clock: systemClock,
    random: systemRandom,
    ...options,
  }
  for (const [name, value] of Object.entries(read)) {
    if (name.endsWith('Ms') && !(Number(value) >= 0))
      throw new DnrError('bad_option', `${name} is a number of 0 or more, not ${Number(value)}.`)
  }
  return read
}
