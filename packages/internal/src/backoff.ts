export interface BackoffOptions {
  /** The upper bound of the first delay. */
  readonly baseMs: number
  /** The upper bound of every delay. */
  readonly maxMs: number
}

/**
 * How long to wait before retry number `attempt` (0 is the first): evenly spread between 0 and
 * `baseMs * 2 ** attempt`, at most `maxMs`, in whole milliseconds.
 *
 * The spread over the whole range keeps clients that lost the same server from coming back together.
 * `random` returns numbers from 0 up to, not including, 1, as `Math.random` does.
 */
export function fullJitterDelayMs(attempt: number, options: BackoffOptions, random: () => number): number {
  const ceilingMs = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(attempt, 1_000)) // 0 * Infinity is no number
  return Math.floor(random() * ceilingMs)
}
