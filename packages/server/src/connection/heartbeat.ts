// Looks for life: each connection gets a ping once an interval. One timer for all, and never all pings in one tick: the
// interval has slots, and each tick takes the connections of one.
import type { Clock } from '@dnr/protocol'
import type { Connection } from './connection.ts'

export interface Heartbeat {
  add(connection: Connection): void
  /** Harmless when it was not added. */
  remove(connection: Connection): void
  stop(): void
}

export interface HeartbeatOptions {
  readonly clock: Clock
  readonly intervalMs: number
  /** Once an interval for each connection. */
  beat(connection: Connection): void
  /** At each tick, about once a second: what else is to be looked after. */
  tick?(): void
}

const MAX_SLOTS = 25
const LEAST_TICK_MS = 1_000

export function createHeartbeat({ clock, intervalMs, beat, tick }: HeartbeatOptions): Heartbeat {
  const slotCount = Math.max(1, Math.min(MAX_SLOTS, Math.floor(intervalMs / LEAST_TICK_MS)))
  const slots = Array.from({ length: slotCount }, () => new Set<Connection>())
  let current = 0
  let count = 0
  let cancelTimer: (() => void) | undefined

  const next = (): void => {
    current = (current + 1) % slotCount
    // Time is counted in ticks: when the loop was blocked, one late tick comes, not many, and nobody is taken for dead.
    for (const connection of slots[current] ?? []) beat(connection)
    tick?.()
    cancelTimer = count > 0 ? clock.setTimeout(next, intervalMs / slotCount) : undefined
  }

  return {
    add(connection) {
      connection.slot = current
      slots[current]?.add(connection)
      count++
      cancelTimer ??= clock.setTimeout(next, intervalMs / slotCount)
    },
    remove(connection) {
      if (slots[connection.slot]?.delete(connection) === true) count--
    },
    stop() {
      cancelTimer?.()
      cancelTimer = undefined
    },
  }
}
