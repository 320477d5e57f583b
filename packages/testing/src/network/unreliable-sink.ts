import type { Change, ChangeSink, Clock } from '@dnr/protocol'

/** How a sink misbehaves: chances from 0 to 1, drawn for each transaction. */
export interface UnreliableSinkOptions {
  readonly random: () => number
  /** It throws before it has taken the transaction. @default 0.1 */
  readonly fails?: number
  /** The transaction before comes once more first. @default 0.2 */
  readonly repeats?: number
  /** It takes its time, up to `delayMs` of `clock`. @default 0 */
  readonly delays?: number
  readonly clock?: Clock
  readonly delayMs?: number
}

/**
 * Delivers at least once, as a relay may: transactions that failed come again, taken ones may too, in their order.
 *
 * @example
 * database.startRelay(createUnreliableSink(realtime.eventBus, { random: createSeededRandom(1) }))
 */
export function createUnreliableSink(sink: ChangeSink, options: UnreliableSinkOptions): ChangeSink {
  const { random, fails = 0.1, repeats = 0.2, delays = 0, clock, delayMs = 1_000 } = options
  let last: readonly Change[] | null = null
  const trouble = async (): Promise<void> => {
    if (random() < fails) throw new Error('The sink is out of order, by chance.')
    if (clock !== undefined && random() < delays)
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, random() * delayMs))
  }
  return {
    async publish(transaction) {
      await trouble()
      if (last !== null && random() < repeats) await sink.publish(last)
      last = transaction
      await sink.publish(transaction)
    },
    async skipTo(gap) {
      await trouble()
      await sink.skipTo?.(gap)
    },
  }
}
