// Things that are over after one and the same delay, with one timer for all of them.
import type { Clock } from '@dnr/protocol'

/** Items that wait; they come due in the order they were added. */
export interface Deadlines<Item> {
  add(item: Item): void
  /** Harmless when it does not wait. */
  remove(item: Item): void
  stop(): void
}

/** Calls `onDue` with each item `delayMs` after it was added, unless it was removed. `Infinity`: never. */
export function createDeadlines<Item>(
  clock: Clock,
  delayMs: number,
  onDue: (item: Item) => void,
): Deadlines<Item> {
  const dueMarkByItem = new Map<Item, number>()
  let cancelTimer: (() => void) | undefined

  const schedule = (): void => {
    const [first] = dueMarkByItem.values()
    if (cancelTimer !== undefined || first === undefined) return
    cancelTimer = clock.setTimeout(expire, Math.max(0, first - clock.monotonic()))
  }
  const expire = (): void => {
    cancelTimer = undefined
    const now = clock.monotonic()
    for (const [item, dueMark] of dueMarkByItem) {
      if (dueMark > now) break
      dueMarkByItem.delete(item)
      onDue(item)
    }
    schedule()
  }

  return {
    add(item) {
      if (delayMs === Number.POSITIVE_INFINITY) return
      dueMarkByItem.set(item, clock.monotonic() + delayMs)
      schedule()
    },
    remove(item) {
      if (!dueMarkByItem.delete(item) || dueMarkByItem.size > 0) return
      cancelTimer?.()
      cancelTimer = undefined
    },
    stop() {
      dueMarkByItem.clear()
      cancelTimer?.()
      cancelTimer = undefined
    },
  }
}
