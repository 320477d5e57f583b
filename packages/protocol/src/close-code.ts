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

const ADVICE = new Map<number, ReconnectAdvice>([
  [1000, 'now'],
  [1001, 'backoff'],
  [1005, 'backoff'],
  [1006, 'backoff'],
  [1009, 'backoff'],
  [1011, 'backoff'],
  [1012, 'backoff'],
  [1013, 'backoff'],
  [CLOSE_CODES.badMessage, 'no'],
  [CLOSE_CODES.unauthorized, 'refresh-token'],
  [CLOSE_CODES.forbidden, 'no'],
  [CLOSE_CODES.heartbeatTimeout, 'now'],
  [CLOSE_CODES.tooBig, 'backoff'],
  [CLOSE_CODES.tooMany, 'backoff'],
  [CLOSE_CODES.internal, 'backoff'],
  [CLOSE_CODES.draining, 'backoff'],
])

/** Whether and how a client comes back after `code`; a code that nobody named means `backoff`. */
export function reconnectAdvice(code: number): ReconnectAdvice {
  return ADVICE.get(code) ?? 'backoff'
}
