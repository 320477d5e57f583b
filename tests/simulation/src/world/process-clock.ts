import type { Clock } from '@dnr/protocol'

/** The clock of one process: its timers go with it, and wait while it is suspended. */
export interface ProcessClock extends Clock {
  /** No timer fires until `resume`; then those that came due do. */
  suspend(): void
  resume(): void
  /** No timer fires any more. */
  kill(): void
}

export function createProcessClock(clock: Clock): ProcessClock {
  let state: 'running' | 'suspended' | 'dead' = 'running'
  let due: (() => void)[] = []
  return {
    now: clock.now,
    monotonic: clock.monotonic,
    setTimeout(callback, delayMs) {
      let isCancelled = false
      const fire = (): void => {
        if (isCancelled || state === 'dead') return
        if (state === 'suspended') due.push(fire)
        else callback()
      }
      const cancel = clock.setTimeout(fire, delayMs)
      return () => {
        isCancelled = true
        cancel()
      }
    },
    suspend() {
      if (state === 'running') state = 'suspended'
    },
    resume() {
      if (state !== 'suspended') return
      state = 'running'
      const late = due
      due = []
      for (const fire of late) clock.setTimeout(fire, 0)
    },
    kill() {
      state = 'dead'
      due = []
    },
  }
}
