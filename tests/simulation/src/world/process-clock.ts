import type { Clock } from '@dnr/protocol'

/**
 * The clock of one process: its timers go with it, and wait while it is suspended. A busy process is ahead of the world by what its
 * work has taken; what reaches it meanwhile finds it there, and its timers come when the world has caught up.
 */
export interface ProcessClock extends Clock {
  /** No timer fires until `resume`; then those that came due do. */
  suspend(): void
  resume(): void
  /** No timer fires any more. */
  kill(): void
}

/** `workMs`: how long it takes from one look at the time to the next. */
export function createProcessClock(clock: Clock, workMs = 0): ProcessClock {
  let state: 'running' | 'suspended' | 'dead' = 'running'
  let due: (() => void)[] = []
  let ownMark = clock.monotonic()
  const catchUp = (): number => (ownMark = Math.max(ownMark, clock.monotonic()))
  const aheadMs = (): number => catchUp() - clock.monotonic()
  return {
    now: clock.now,
    monotonic() {
      const mark = catchUp()
      ownMark += workMs
      return mark
    },
    setTimeout(callback, delayMs) {
      let isCancelled = false
      const fire = (): void => {
        if (isCancelled || state === 'dead') return
        if (state === 'suspended') due.push(fire)
        else callback()
      }
      const cancel = clock.setTimeout(fire, Math.max(0, delayMs) + aheadMs())
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
