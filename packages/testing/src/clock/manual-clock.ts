// A clock that stands still until a test moves it. Holds the two times and the timers that wait for them; knows nothing
// of what the timers do. Next: whoever takes a `Clock`.
import { type Clock, DnrError } from '@dnr/protocol'
import { drainMicrotasks } from './drain-microtasks.ts'

/** Where a manual clock starts. */
export interface ManualClockOptions {
  /** First wall clock, milliseconds since the Unix epoch. @default 1_700_000_000_000 */
  readonly now?: number
  /** First monotonic time, milliseconds. Differs from `now`, so that mixing up the two shows. @default 0 */
  readonly monotonic?: number
  /** Awaited after each timer: resolves when everything has run that needs no time. @default drainMicrotasks */
  readonly settle?: () => Promise<void>
}

/** A {@link Clock} that is moved by hand. */
export interface ManualClock extends Clock {
  /**
   * Moves both times forward by `ms` and fires the timers that come due, by time and then by the order they were set.
   * After each timer all microtasks run, so that a timer which a callback sets after awaiting something is seen too.
   *
   * Calls are carried out one after the other. Rejects with what a timer's callback threw; the time then stands at that
   * timer, and the others are kept.
   *
   * @throws DnrError `bad_option` when `ms` is negative or not finite.
   */
  advance(ms: number): Promise<void>
  /** Sets the wall clock alone, as a user or NTP does; timers and the monotonic time do not notice. */
  setNow(now: number): void
  /** How many timers wait; 0 shows that nothing was leaked. */
  readonly pendingTimers: number
  /** Milliseconds until the next timer, `null` when none waits. */
  readonly nextTimerInMs: number | null
}

interface Timer {
  readonly dueMark: number
  readonly callback: () => void
}

/**
 * Makes a clock for tests: no test has to sleep.
 *
 * @example
 * const clock = createManualClock()
 * clock.setTimeout(() => console.log('ten seconds later'), 10_000)
 * await clock.advance(10_000)
 */
export function createManualClock(options: ManualClockOptions = {}): ManualClock {
  let monotonic = options.monotonic ?? 0
  let wallAhead = (options.now ?? 1_700_000_000_000) - monotonic
  const timers = new Set<Timer>()
  const { settle = drainMicrotasks } = options
  let turn: Promise<void> = Promise.resolve()

  const earliest = (): Timer | undefined => {
    let first: Timer | undefined
    for (const timer of timers) if (first === undefined || timer.dueMark < first.dueMark) first = timer
    return first
  }

  const moveTo = async (end: number): Promise<void> => {
    await settle()
    for (let timer = earliest(); timer !== undefined && timer.dueMark <= end; timer = earliest()) {
      timers.delete(timer)
      monotonic = Math.max(monotonic, timer.dueMark)
      timer.callback()
      await settle()
    }
    monotonic = end
  }

  return {
    now: () => Math.floor(monotonic + wallAhead), // whole, as `Date.now` is
    monotonic: () => monotonic,
    setTimeout(callback, delayMs) {
      const timer = { dueMark: monotonic + (delayMs > 0 ? delayMs : 0), callback }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    advance(ms) {
      if (!Number.isFinite(ms) || ms < 0) {
        return Promise.reject(
          new DnrError('bad_option', `advance(${ms}): expected a finite number of milliseconds, 0 or more.`),
        )
      }
      const moved = turn.then(() => moveTo(monotonic + ms))
      turn = moved.catch(() => {})
      return moved
    },
    setNow(now) {
      wallAhead = now - monotonic
    },
    get pendingTimers() {
      return timers.size
    },
    get nextTimerInMs() {
      const timer = earliest()
      return timer === undefined ? null : Math.max(0, timer.dueMark - monotonic)
    },
  }
}
