// May somebody go on hearing a channel without rows, whose rule fails just now? Holds the pause until that is asked again, and how
// long it has been so. Comes from recheck.ts, which asks.
//
//   asked ─rule fails▶ in doubt ─back-off, or rights have changed once more▶ asked        a minute in doubt ─rule fails▶ given up
import { createDeferred } from '@dnr/internal'
import type { Clock } from '@dnr/protocol'
import { doubtDelayMs } from './doubt-backoff.ts'

export interface ListenerDoubt {
  /** Resolves when the rule fails the next time. */
  readonly failed: Promise<void>
  /** The rule has failed. Resolves when it is to be asked again; with `false` when it has failed for too long. */
  pause(): Promise<boolean>
  /** Ends the pause at once. `false`: there is none. */
  wake(): boolean
}

/** For so long a listener may stay in doubt; if its rule fails after that once more, it is given up. */
const MAX_DOUBT_MS = 60_000

export function createListenerDoubt(clock: Clock, random: () => number): ListenerDoubt {
  let failures = 0
  let failedMark: number | null = null
  let failed = createDeferred()
  let endPause: (() => void) | null = null

  const wake = (): boolean => {
    const end = endPause
    // Before who pauses hears of it: the rule may fail again, and the next pause begin, until then.
    endPause = null
    end?.()
    return end !== null
  }

  return {
    get failed() {
      return failed.promise
    },
    async pause() {
      failedMark ??= clock.monotonic()
      if (clock.monotonic() - failedMark >= MAX_DOUBT_MS) return false
      failed.resolve()
      failed = createDeferred()
      const { promise, resolve } = createDeferred()
      const cancelTimer = clock.setTimeout(wake, doubtDelayMs(failures++, random))
      endPause = () => {
        cancelTimer()
        resolve()
      }
      await promise
      return true
    },
    wake,
  }
}
