// Where the log ends, kept from one commit to the next transaction, so that a lone write need not ask for it. Holds only
// what nobody can have changed since. Next: write-transaction.ts, which reads the database when nothing is kept.
import type { CaptureState } from '../capture/row-writes.ts'
import type { LogHead } from '../change-log/epochs.ts'
import { prepareDataVersion } from '../database/data-version.ts'
import type { SqliteHandle } from '../database/sqlite-handle.ts'

/** What a transaction has to know before it writes. */
export type SessionStart = LogHead & CaptureState

/** Remembers how the last commit left the log. */
export interface HeadMemory {
  /**
   * Inside a write transaction that has just begun: what {@link keep} was given, if nobody has committed since. It is given
   * once: whatever becomes of this transaction, the next one asks the database unless this one kept something.
   */
  take(): SessionStart | null
  /** After COMMIT of the transaction that asked last. */
  keep(end: SessionStart): void
  /** The tables are about to be changed by something other than a write. */
  forget(): void
}

/** For a handle that its owner may write with: `data_version` does not tell of those writes, so each transaction asks. */
export const noHeadMemory: HeadMemory = { take: () => null, keep: () => {}, forget: () => {} }

/** Makes the memory of a handle that nobody writes with but the one write queue. */
export function createHeadMemory(handle: SqliteHandle): HeadMemory {
  const dataVersion = prepareDataVersion(handle)
  let version: unknown
  let kept: SessionStart | null = null
  return {
    take() {
      const known = kept
      const before = version
      kept = null
      version = dataVersion()
      return version === before ? known : null
    },
    keep(end) {
      // What the triggers of captured tables write, the database says.
      kept = end.captures === 1 ? null : end
    },
    forget() {
      kept = null
    },
  }
}
