/**
 * Where every package gets its time from, so that each rule can be tested without waiting.
 *
 * The real one lives in each package's shell; `@dnr/testing` has one that is moved by hand.
 */
export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch. For what people read; never for measuring a duration. */
  now(): number
  /** Milliseconds that only grow, from an arbitrary start. For time-outs, rates and presence. What is kept of it is named `…Mark`. */
  monotonic(): number
  /** Calls `callback` once after `delayMs`; the returned function cancels it and is harmless afterwards. */
  setTimeout(callback: () => void, delayMs: number): () => void
}
