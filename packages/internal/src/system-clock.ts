import type { Clock } from '@dnr/protocol'

// The part of a browser or of Node used here; typed by hand so that the file needs the types of neither. Looked up at each call,
// not once: fake timers replace these functions later.
declare const performance: { now(): number }
declare function setTimeout(callback: () => void, delayMs: number): unknown
declare function clearTimeout(timer: unknown): void

/** A longer delay makes the host's timer fire at once. */
const maxTimerMs = 2_147_483_647

/**
 * The real clock. Its timers keep a Node process alive until they fire or are cancelled.
 *
 * A delay beyond about 24.8 days, `Infinity` included, fires after 24.8 days.
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout(callback, delayMs) {
    const timer = setTimeout(callback, Math.min(delayMs, maxTimerMs))
    return () => clearTimeout(timer)
  },
}
