import { batch } from '@preact/signals-core'

/** Something with changes to apply and then to tell of. */
export interface Flushable {
  apply(): void
  tell(): void
}

/** Gathers what changed, and applies and tells it once, in a microtask: hidden tabs have no animation frames. */
export interface Flusher {
  schedule(part: Flushable): void
  /** Calls; what it throws is reported and stops nobody. */
  guard(call: () => void): void
}

export function createFlusher(guard: (call: () => void) => void): Flusher {
  let parts = new Set<Flushable>()
  const flush = (): void => {
    const ready = parts
    parts = new Set()
    // Every collection is current before the first listener looks at any of them.
    ready.forEach(({ apply }) => apply())
    ready.forEach(({ tell }) => tell())
  }
  return {
    guard,
    schedule(part) {
      if (parts.size === 0) queueMicrotask(() => guard(() => batch(flush)))
      parts.add(part)
    },
  }
}
