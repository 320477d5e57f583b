// How long the write-ahead log has become. Holds its file's name; the log itself is SQLite's.
//
// SQLite folds the write-ahead log into the database after every thousand pages, but no further than the oldest reader
// looks. Reads of ours end within a turn of the event loop; one of another program that stays open makes it grow.
import { statSync } from 'node:fs'
import type { Clock, Logger } from '@dnr/protocol'
import { fileOf } from './open-handles.ts'
import type { SqliteHandle } from './sqlite-handle.ts'

/** Watches one database's write-ahead log. */
export interface WalWatch {
  /** Size of the write-ahead log now; `null` for a database in memory. */
  bytes(): number | null
  /** Something was committed: looks, at most once a second, and says in the log when it has grown too long. */
  committed(): void
}

/** What {@link createWalWatch} needs. */
export interface WalWatchOptions {
  readonly handle: SqliteHandle
  readonly alarmBytes: number
  readonly clock: Clock
  readonly logger: Logger
}

const LOOK_EVERY_MS = 1_000

/** Makes the watch of one writer. */
export function createWalWatch({ handle, alarmBytes, clock, logger }: WalWatchOptions): WalWatch {
  const file = fileOf(handle)
  let lookedMark = Number.NEGATIVE_INFINITY
  let isLong = false

  const bytes = (): number | null => {
    if (file === '') return null
    try {
      return statSync(`${file}-wal`).size
    } catch {
      // There is none before the first write.
      return 0
    }
  }

  return {
    bytes,
    committed() {
      const now = clock.monotonic()
      if (now - lookedMark < LOOK_EVERY_MS) return
      lookedMark = now
      const size = bytes() ?? 0
      if (size > alarmBytes && !isLong) {
        logger.error(
          'The write-ahead log grows: some connection keeps a read open. It shrinks when that read ends.',
          { bytes: size, alarmBytes },
        )
      }
      isLong = size > alarmBytes
    },
  }
}
