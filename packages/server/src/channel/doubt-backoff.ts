const BASE_MS = 1_000
const MAX_MS = 30_000

/**
 * How long what is in doubt waits until it is asked about again, having failed `failures` times since: a second, doubled with each
 * failure up to 30 s, and up to a quarter longer. `random` gives numbers from 0 up to, not including, 1, and keeps what failed
 * together from being asked about together.
 */
export function doubtDelayMs(failures: number, random: () => number): number {
  const leastMs = Math.min(BASE_MS * 2 ** failures, MAX_MS)
  return Math.floor(leastMs * (1 + random() / 4))
}
