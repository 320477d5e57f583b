import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How long the event loop of a process was kept busy in one go, milliseconds. */
export interface Pauses {
  readonly p99: number
  readonly max: number
}

/** Answers `pauses:start` and `pauses:stop` of the parent. */
export function pauseHandlers(): Record<string, () => Pauses | null> {
  const delays = monitorEventLoopDelay({ resolution: 1 })
  return {
    'pauses:start': () => {
      delays.reset()
      delays.enable()
      return null
    },
    'pauses:stop': () => {
      delays.disable()
      return { p99: delays.percentile(99) / 1e6, max: delays.max / 1e6 }
    },
  }
}

/** The longest of each. */
export function worstPauses(list: readonly Pauses[]): Pauses {
  return {
    p99: Math.max(...list.map(({ p99 }) => p99)),
    max: Math.max(...list.map(({ max }) => max)),
  }
}
