import type { Change, Position } from '@dnr/protocol'

/** Commits of this process that the sink has not had yet, so that the usual case reads nothing from the disk. */
export interface Backlog {
  add(transactions: readonly (readonly Change[])[]): void
  /**
   * Up to `limit` transactions that follow a position without a gap; `null` when memory does not have the next one. Where an
   * epoch began in between, the log has to tell: the history may be another one.
   */
  takeAfter(after: Position, limit: number): readonly (readonly Change[])[] | null
  /** Was everything taken? If not, and nothing can be taken, the log has to tell what is missing. */
  isEmpty(): boolean
  clear(): void
}

/** Changes kept in memory; a sink further behind is served from the log. */
const MAX_CHANGES = 5_000

/** Makes an empty backlog. */
export function createBacklog(): Backlog {
  let waiting: (readonly Change[])[] = []
  let changes = 0
  let overflowed = false

  const clear = (): void => {
    waiting = []
    changes = 0
    overflowed = false
  }

  return {
    add(transactions) {
      for (const transaction of transactions) {
        if (overflowed) return
        waiting.push(transaction)
        changes += transaction.length
        overflowed = changes > MAX_CHANGES
      }
      if (overflowed) waiting = []
    },
    takeAfter(after, limit) {
      const other = waiting.findIndex((transaction) => placeOf(transaction)?.epoch !== after.epoch)
      const known = other === -1 ? waiting.length : other
      let start = 0
      while (start < known && offsetOf(waiting[start]) <= after.offset) start++
      let end = start
      let next = after.offset + 1
      while (end < known && end - start < limit && offsetOf(waiting[end]) === next) {
        next += waiting[end]?.length ?? 0
        end++
      }
      const taken = waiting.slice(start, end)
      waiting = waiting.slice(end)
      changes = waiting.reduce((sum, transaction) => sum + transaction.length, 0)
      return taken.length > 0 ? taken : null
    },
    isEmpty: () => waiting.length === 0 && !overflowed,
    clear,
  }
}

function placeOf(transaction: readonly Change[] | undefined): Position | undefined {
  return transaction?.[0]?.position
}

function offsetOf(transaction: readonly Change[] | undefined): number {
  return placeOf(transaction)?.offset ?? 0
}
