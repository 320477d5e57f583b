/** What a client does after a close: stay away, come back at once, come back with back-off, or first get a new token. */
export type ReconnectAdvice = 'no' | 'now' | 'backoff' | 'refresh-token'

/** The close codes of the protocol. They read like HTTP; PROTOCOL.md says when each is sent. */
export const CLOSE_CODES = {
  badMessage: 4400,
  unauthorized: 4401,
  forbidden: 4403,
  heartbeatTimeout: 4408,
  tooBig: 4413,
  tooMany: 4429,
  internal: 4500,
  draining: 4503,
} as const

export type CloseCode = (typeof CLOSE_CODES)[keyof typeof CLOSE_CODES]

// Numbers instead of `CLOSE_CODES.…`: reading a property counts as a side effect, and would keep both tables in every bundle.
const ADVICE: Readonly<Record<number, ReconnectAdvice>> = {
  1000: 'now',
  4400: 'no',
  4401: 'refresh-token',
  4403: 'no',
  4408: 'now',
}

/** Whether and how a client comes back after `code`; a code that nobody named means `backoff`. */
export function reconnectAdvice(code: number): ReconnectAdvice {
  return ADVICE[code] ?? 'backoff'
}
