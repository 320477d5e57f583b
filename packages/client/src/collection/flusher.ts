import { batch } from '@preact/signals-core'

/** Something with changes to apply and then to tell of. Neither throws, or whoever comes after it would be left out: see `guard`. */
export interface Flushable {
  apply(): void
  tell(): void
}

/** Gathers what changed, and applies and tells it once, in a microtask: hidden tabs have no animation frames. */
export interface Flusher {
  /** Asked for when `part` gets its first change; once more does no harm. */
  schedule(part: Flushable): void
  /** Calls; what it throws is reported and stops nobody. */
  guard(call: () => void): void
}

export function createFlusher(guard: (call: () => void) => void): Flusher {
  let parts: Flushable[] = []
  const flush = (): void => {
    const ready = parts
    parts = []
    // Every collection is current before the first listener looks at any of them.
    for (const part of ready) part.apply()
    for (const part of ready) part.tell()
  }
  return {
    guard,
    schedule(part) {
      if (parts.push(part) === 1) queueMicrotask(() => guard(() => batch(flush)))
    },
  }
}
