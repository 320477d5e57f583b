import type { Clock } from '@dnr/protocol'

/** Calls `act` at once, and then at most once an interval; the last request is never lost unless it is cancelled. */
export interface Throttle {
  request(): void
  cancel(): void
}

export function createThrottle(clock: Clock, intervalMs: number, act: () => void): Throttle {
  let readyMark = 0
  let undo: (() => void) | null = null
  const run = (): void => {
    undo = null
    readyMark = clock.monotonic() + intervalMs
    act()
  }
  return {
    request() {
      const delayMs = readyMark - clock.monotonic()
      if (delayMs <= 0) run()
      else undo ??= clock.setTimeout(run, delayMs)
    },
    cancel() {
      undo?.()
      undo = null
    },
  }
}
