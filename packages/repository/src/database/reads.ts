// How reads get at the database. Holds the rule that nobody sees the rows of an open transaction; the reads are the caller's.
import type { Clock } from '@dnr/protocol'
import { fullJitterDelayMs } from '@dnr/internal'
import type { Connection } from './connection.ts'
import { closedError, foreignTransaction, isBusy, storageError } from './storage-error.ts'

/** Runs reads, each within one turn of the event loop. */
export interface Reads {
  /** Runs `read`; all its statements see the same moment. */
  read<T>(read: (connection: Connection) => T): Promise<T>
}

/** What {@link createReads} needs. */
export interface ReadsOptions {
  readonly connection: Connection
  readonly clock: Clock
  readonly random: () => number
  readonly busyTimeoutMs: number
  /** The open async transaction whose rows this connection would see; `null` when there is none, or it cannot see them. */
  transactionOver(): Promise<void> | null
  isClosed(): boolean
  /** Within each read, after what was read. */
  onRead(): void
  /** Hears of every read that failed. */
  onFailed(error: unknown): void
}

const BACKOFF = { baseMs: 5, maxMs: 100 }

/** Makes the read side of a database. */
export function createReads(options: ReadsOptions): Reads {
  const { connection, clock } = options

  const settled = async (): Promise<void> => {
    for (let over = options.transactionOver(); over !== null; over = options.transactionOver()) await over
    if (options.isClosed()) throw closedError()
  }

  return {
    async read(read) {
      const deadline = clock.monotonic() + options.busyTimeoutMs
      for (let attempt = 0; ; attempt++) {
        await settled()
        try {
          // What is open now is nobody's that we know of: its rows may yet be rolled back.
          if (connection.inTransaction()) throw foreignTransaction()
          return connection.snapshot(() => {
            const result = read(connection)
            options.onRead()
            return result
          })
        } catch (error) {
          if (!isBusy(error) || clock.monotonic() >= deadline) {
            options.onFailed(error)
            throw storageError(error)
          }
        }
        const delayMs = fullJitterDelayMs(attempt, BACKOFF, options.random)
        await new Promise<void>((resolve) => void clock.setTimeout(resolve, delayMs))
      }
    },
  }
}
