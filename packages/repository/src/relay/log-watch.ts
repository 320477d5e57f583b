import { describeError } from '@dnr/internal'
import type { ChangeSource } from '../change-log/change-log.ts'

/** What a relay does when the watch tells it to. */
export interface LogWatcher {
  /** Another process has written into the database. */
  onWritten(): void
  /** Compares what was delivered with the head of the log. */
  checkHead(): Promise<void>
}

/** How often a relay compares what it delivered with the head of the log, in case a notice was lost. */
const CHECK_HEAD_MS = 1_000

/**
 * Looks every `pollMs` whether another process has written into the database, and every second where the log ends.
 *
 * Nothing in SQLite tells one process of another's commit; asking costs a few microseconds. Returns what stops it.
 */
export function startLogWatch(source: ChangeSource, { onWritten, checkHead }: LogWatcher): () => void {
  const { clock, logger, pollMs } = source.relay
  let seen = source.foreignVersion()
  if (seen === null) return () => {}
  let checkedMark = clock.monotonic()
  let cancel = clock.setTimeout(look, pollMs)

  function look(): void {
    cancel = clock.setTimeout(look, pollMs)
    try {
      const version = source.foreignVersion()
      if (version !== seen) {
        seen = version
        onWritten()
      }
    } catch (error) {
      reportFailure(error)
    }
    if (clock.monotonic() - checkedMark < CHECK_HEAD_MS) return
    checkedMark = clock.monotonic()
    checkHead().catch(reportFailure)
  }

  function reportFailure(error: unknown): void {
    logger.error('The change relay could not look for new changes and tries again.', {
      error: describeError(error),
    })
  }

  return () => cancel()
}
