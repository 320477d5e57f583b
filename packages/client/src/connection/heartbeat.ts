import type { Clock } from '@dnr/protocol'

export interface Heartbeat {
  /** Begin, or begin anew: the next ping is one interval away. */
  start(): void
  stop(): void
  /** A frame arrived: the other end lives. */
  heard(): void
  /** Ask now, unless an answer is already awaited. */
  probe(): void
}

/** Time that frames already waiting in the socket get when the time-out fires late, as after a laptop's sleep. */
const DRAIN_MS = 1_000

/**
 * Looks for life: a ping each interval, then anything at all within the time-out.
 *
 *   resting ─interval / probe▶ asking ─time-out▶ draining (asked again) ─1 s▶ dead        any ─heard▶ resting
 *
 * The last second matters when the machine slept: all timers fire first, and only then do the frames come out.
 */
export function createHeartbeat(
  clock: Clock,
  intervalMs: number,
  timeoutMs: number,
  ping: () => unknown,
  dead: () => void,
): Heartbeat {
  let phase: 'stopped' | 'resting' | 'asking' = 'stopped'
  let cancel = (): void => {}

  const enter = (next: typeof phase, delayMs: number, then: () => void): void => {
    cancel()
    phase = next
    cancel = clock.setTimeout(then, delayMs)
  }
  const start = (): void => enter('resting', intervalMs, ask)
  const ask = (): void => {
    enter('asking', timeoutMs, () => {
      enter('asking', DRAIN_MS, dead)
      ping()
    })
    ping()
  }
  return {
    start,
    stop() {
      cancel()
      phase = 'stopped'
    },
    heard() {
      if (phase === 'asking') start()
    },
    probe() {
      if (phase === 'resting') ask()
    },
  }
}
