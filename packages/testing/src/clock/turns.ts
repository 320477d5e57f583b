import { drainMicrotasks } from './drain-microtasks.ts'

type Callback = (...parameters: unknown[]) => void

interface Host {
  setImmediate?: (callback: Callback, ...parameters: unknown[]) => unknown
  clearImmediate?: (turn: unknown) => void
}

const host = globalThis as unknown as Host

/** The turns of the event loop, counted. */
export interface Turns extends Disposable {
  /** Resolves when no microtask is left and nothing that was scheduled with `setImmediate` has still to run. */
  quiet(): Promise<void>
  /** Stops counting. */
  [Symbol.dispose](): void
}

/**
 * Follows `setImmediate`, so that a test knows when everything that can happen without time passing has happened:
 * a database's queue of writes, for one, takes a turn of the event loop for each group.
 *
 * It wraps the global `setImmediate` until it is disposed; where there is none (a browser), microtasks are all there is.
 *
 * @example
 * using turns = followTurns()
 * const clock = createManualClock({ settle: turns.quiet })
 */
export function followTurns(): Turns {
  const { setImmediate: hostsOwn, clearImmediate: hostsClear } = host
  const waiting = new Set<unknown>()
  if (hostsOwn !== undefined) {
    host.setImmediate = (callback, ...parameters) => {
      const turn = hostsOwn(() => {
        waiting.delete(turn)
        callback(...parameters)
      })
      waiting.add(turn)
      return turn
    }
    host.clearImmediate = (turn) => {
      waiting.delete(turn)
      hostsClear?.(turn)
    }
  }
  return {
    async quiet() {
      do await drainMicrotasks()
      while (waiting.size > 0)
    },
    [Symbol.dispose]() {
      if (hostsOwn !== undefined) host.setImmediate = hostsOwn
      if (hostsClear !== undefined) host.clearImmediate = hostsClear
    },
  }
}
