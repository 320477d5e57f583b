// Whether the log is still the one that this process has told of. Holds how far it has; asked before every write and after
// every read that may tell of more. Next: write-transaction.ts, which begins an epoch when it is not.
import { hasReached, holdsPosition, type Position } from '@dnr/protocol'
import { type LogHead, readEpochs, readHead } from '../change-log/epochs.ts'
import type { Connection } from '../database/connection.ts'
import { prepareDataVersion } from '../database/data-version.ts'

/** What was told: in answers to writes, with rows that were read, by relays. */
export interface ToldHistory {
  /** Is what was told still in the log? Once it was not, the answer stays no until {@link begun}. */
  isIn(connection: Connection, head: LogHead): boolean
  /** A relay stands where the log does not lead: as if {@link isIn} had found it. */
  lose(): void
  /** An epoch was begun because of that. */
  begun(): void
  /** How often it was found that a history is lost. A position that was read at another count may be one of what is lost. */
  readonly losses: number
  /** After a COMMIT, or a read of committed rows: everything up to here may be known to somebody. */
  tell(position: Position): void
}

export function createToldHistory(): ToldHistory {
  let furthest: Position | null = null
  let isLost = false
  let losses = 0
  const lose = (): void => {
    if (!isLost) losses++
    isLost = true
  }
  return {
    isIn(connection, head) {
      if (furthest !== null && !isLost && !holds(connection, head, furthest)) lose()
      return !isLost
    },
    lose,
    begun() {
      isLost = false
      furthest = null
    },
    get losses() {
      return losses
    },
    tell(position) {
      if (!isLost && (furthest === null || hasReached(position, furthest))) furthest = position
    },
  }
}

/** Nearly always the epoch is the same, and nothing has to be read. */
function holds(connection: Connection, { epoch, offset }: LogHead, told: Position): boolean {
  if (epoch === told.epoch) return offset >= told.offset
  return holdsPosition(readEpochs(connection), offset, told)
}

/** Which connection reads, and who else may write. */
export interface ReadsOfHistory {
  readonly connection: Connection
  /** Does it write, too? Then nothing says cheaply whether it has. */
  readonly isShared: boolean
  /** Can nobody else write into the log? */
  readonly isPrivate: boolean
}

/**
 * Makes what is called within each read of committed rows: whatever position the read hands out is told from then on. One
 * that finds the log to be another one leaves what was told as it is.
 */
export function watchReads(
  told: ToldHistory,
  { connection, isShared, isPrivate }: ReadsOfHistory,
): () => void {
  if (isPrivate) return () => {}
  const dataVersion = prepareDataVersion(connection.handle)
  let version: unknown = null
  let isMade = false
  return () => {
    const current = dataVersion()
    if (!isShared && current === version) return
    isMade ||= connection.query("SELECT 1 FROM sqlite_schema WHERE name = 'dnr_log_epochs'", []).length > 0
    if (!isMade) return
    version = current
    const head = readHead(connection)
    if (head.epoch !== null && told.isIn(connection, head)) told.tell({ ...head, epoch: head.epoch })
  }
}
