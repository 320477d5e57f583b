import type { Clock, Logger } from '@dnr/protocol'
import { describeError, fullJitterDelayMs } from '@dnr/internal'

/** Tries things until they work or until it is stopped. */
export interface Retry {
  /** What `action` came to, however many attempts it took; `null` when stopped before it worked. */
  untilDone<T>(what: string, action: () => T | Promise<T>): Promise<{ readonly value: T } | null>
  isStopped(): boolean
  /** From now on the first failure stops it. */
  finish(): void
  stop(): void
}

const BACKOFF = { baseMs: 20, maxMs: 5_000 }

/** Makes a retry with growing, jittered delays. */
export function createRetry({
  clock,
  random,
  logger,
}: {
  clock: Clock
  random: () => number
  logger: Logger
}): Retry {
  let stopped = false
  let finishing = false
  let wake = (): void => {}
  const isStopped = (): boolean => stopped

  const pause = (delayMs: number): Promise<void> =>
    new Promise((resolve) => {
      const cancel = clock.setTimeout(resolve, delayMs)
      wake = () => {
        cancel()
        resolve()
      }
    })

  return {
    isStopped,
    async untilDone(what, action) {
      for (let attempt = 0; !isStopped(); attempt++) {
        try {
          return { value: await action() }
        } catch (error) {
          logger.error(`The change relay failed to ${what}.`, { attempt, error: describeError(error) })
          if (finishing) stopped = true
          else await pause(fullJitterDelayMs(attempt, BACKOFF, random))
        }
      }
      return null
    },
    finish() {
      finishing = true
      wake()
    },
    stop() {
      stopped = true
      wake()
    },
  }
}
