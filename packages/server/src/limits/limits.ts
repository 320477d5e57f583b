import { DEFAULT_LIMITS, DnrError } from '@dnr/protocol'

/** Limits as an application gives them: absent means the default, `null` no limit. */
export interface LimitOptions {
  /** Subscriptions of one connection; one more is refused with `too_many_subscriptions`. @default 50 */
  readonly maxSubscriptionsPerConnection?: number | null
  /** Connections of one user; one more is closed with 4429. @default 100 */
  readonly maxConnectionsPerUser?: number | null
  /** Connections of one network address; one more is refused with 503, or closed with 4429. @default 2_000 */
  readonly maxConnectionsPerAddress?: number | null
  /** Bytes of one frame from a client; a longer one ends the connection (1009). @default 65_536 */
  readonly maxFrameBytes?: number | null
  /**
   * Bytes that wait for a slow reader; beyond them the connection is closed with 4408 and the client resumes. What one turn of the
   * event loop says, be it one large transaction, to a reader of whom less than half of this waits counts apart for 30 s, however much it is. @default 1_048_576
   */
  readonly maxQueueBytes?: number | null
  /** Frames per second of one connection in the long run: `rate_limited`, then close 4429. @default 50 */
  readonly maxMessagesPerSecond?: number | null
  /** Frames that one connection may send at once. @default 200 */
  readonly maxMessageBurst?: number | null
  /**
   * Changes per second that one channel sends one by one. Above it they are held back for 50 ms to 1 s, and each row is
   * sent once, as it then is, with `conflated`: the last state is never lost. @default 10_000
   */
  readonly maxChannelChangesPerSecond?: number | null
  /** `message`s per second that one room takes; one more is refused with `rate_limited`. @default 1_000 */
  readonly maxRoomMessagesPerSecond?: number | null
  /** How long authentication may take; then the connection is closed with 4500, a request answered with 503. @default 10_000 */
  readonly handshakeTimeoutMs?: number | null
}

/** Limits as the server uses them: every one is a number, `Infinity` where there is none. */
export type Limits = { readonly [Name in keyof LimitOptions]-?: number }

/** The limits asked for, over the defaults. @throws DnrError `bad_option` naming option, value and range. */
export function resolveLimits(options: LimitOptions = {}): Limits {
  const names = Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) {
      throw new DnrError('bad_option', `limits.${name} is no limit. Limits: ${names.join(', ')}.`)
    }
  }
  const entries = names.map((name) => [name, resolveLimit(name, options[name])] as const)
  return Object.fromEntries(entries) as unknown as Limits
}

function resolveLimit(name: keyof Limits, value: number | null | undefined): number {
  if (value === undefined) return DEFAULT_LIMITS[name]
  if (value === null) return Number.POSITIVE_INFINITY
  return checkNumber(`limits.${name}`, value, { min: 1 })
}

/** The number itself when it is a whole one in the range. @throws DnrError `bad_option` naming option, value and range. */
export function checkNumber(option: string, value: unknown, range: { min: number; max?: number }): number {
  const { min, max = Number.MAX_SAFE_INTEGER } = range
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  const upTo = range.max === undefined ? ' or more' : ` to ${range.max}`
  throw new DnrError('bad_option', `${option} is ${String(value)}: expected a whole number, ${min}${upTo}.`)
}
