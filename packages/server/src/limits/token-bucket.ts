// How many frames a connection may send. Pure: the bucket is changed in place (it is the connection's own), time comes in.
import type { Limits } from './limits.ts'

/**
 * A connection's allowance. `strikes` counts the frames refused since the bucket was last full; `isTold`: has it been said since
 * a frame was last allowed that frames are refused?
 */
export interface TokenBucket {
  tokens: number
  refilledMark: number
  strikes: number
  isTold: boolean
}

/** What becomes of a frame: handled, refused with `rate_limited`, dropped in silence, or the end of the connection. */
export type Verdict = 'allow' | 'refuse' | 'drop' | 'close'

export function createTokenBucket(limits: Limits, now: number): TokenBucket {
  return { tokens: limits.maxMessageBurst, refilledMark: now, strikes: 0, isTold: false }
}

/**
 * Takes one frame's token. The first frame without one is refused aloud, and so is the first after some were allowed again: the
 * client could not know of it otherwise. As many as a second allows may have been under way before that was read, and are
 * dropped; who still goes on before the bucket was full is closed.
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
    bucket.isTold = false
    return 'allow'
  }
  bucket.strikes++
  // At least one is refused aloud, be the rate 1 a second.
  if (bucket.strikes > Math.max(1, maxMessagesPerSecond)) return 'close'
  if (bucket.isTold) return 'drop'
  bucket.isTold = true
  return 'refuse'
}

/** Milliseconds until the next token. */
export function nextTokenInMs(bucket: TokenBucket, limits: Limits): number {
  return Math.ceil(((1 - bucket.tokens) * 1_000) / limits.maxMessagesPerSecond)
}
