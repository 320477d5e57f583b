import type { AnyEntity, Position, Where } from '@dnr/protocol'
import type { MutationContext } from './mutation.ts'

/**
 * How many rows one bulk call may write. A call runs in one turn of the event loop: this many rows take 15 to 30 ms of it,
 * and as many events still fit into the queue of a subscriber (1 MiB) when they leave together.
 */
export const MAX_BULK_ROWS = 1_000

/** Which rows a bulk call is about: these, or all that match. */
export type BulkSelection<Row> =
  | readonly string[]
  | {
      /** Conditions that must all hold; `{}` is every row. */
      readonly where: Where<Row>
      /** At most so many of them, the first by id; the answer's `count` says how many there were. @default no limit but {@link MAX_BULK_ROWS} */
      readonly limit?: number
    }

/** Who writes, under which id, and who may refuse it: see {@link MutationContext}. The hook is asked for each row. */
export type BulkOptions<E extends AnyEntity = AnyEntity> = MutationContext<E>

/** What a bulk call came to. */
export interface BulkResult {
  /** Rows written. */
  readonly count: number
  /** Where the last of its changes stands in the log; without changes, where the log ended. */
  readonly position: Position
}
