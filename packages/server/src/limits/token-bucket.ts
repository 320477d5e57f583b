// How many frames a connection may send. Pure: the bucket is changed in place (it is the connection's own), time comes in.
import type { Limits } from './limits.ts'

/** A connection's allowance. `strikes` counts the frames refused since the bucket was last full. */
export interface TokenBucket {
  tokens: number
  refilledMark: number
  strikes: number
}

/** What becomes of a frame: handled, refused with the one `rate_limited`, dropped in silence, or the end of the connection. */
export type Verdict = 'allow' | 'refuse' | 'drop' | 'close'

export function createTokenBucket(limits: Limits, now: number): TokenBucket {
  return { tokens: limits.maxMessageBurst, refilledMark: now, strikes: 0 }
}

/**
 * Takes one frame's token. The first frame without one is refused aloud; as many more as a second allows may have been
 * under way before that was read, and are dropped; who still goes on is closed.
 */
export function takeToken(bucket: TokenBucket, limits: Limits, now: number): Verdict {
  const { maxMessagesPerSecond, maxMessageBurst } = limits
  if (maxMessagesPerSecond === Number.POSITIVE_INFINITY) return 'allow'
  const refill = ((now - bucket.refilledMark) * maxMessagesPerSecond) / 1_000
  bucket.tokens = Math.min(maxMessageBurst, bucket.tokens + refill)
  bucket.refilledMark = now
  if (bucket.tokens === maxMessageBurst) bucket.strikes = 0
  if (bucket.tokens >= 1) {
    bucket.tokens--
    return 'allow'
  }
  bucket.strikes++
  if (bucket.strikes === 1) return 'refuse'
  return bucket.strikes <= maxMessagesPerSecond ? 'drop' : 'close'
}

/** Milliseconds until the next token. */
export function nextTokenInMs(bucket: TokenBucket, limits: Limits): number {
  return Math.ceil(((1 - bucket.tokens) * 1_000) / limits.maxMessagesPerSecond)
}
