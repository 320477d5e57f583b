import { describeError } from '@dnr/internal'
import type { ChangeSource } from '../change-log/change-log.ts'

/**
 * Looks every `pollMs` whether another process has written into the database, and calls `onWritten` when so.
 *
 * Nothing in SQLite tells one process of another's commit; asking costs a few microseconds. Returns what stops it.
 */
export function startForeignWatch(source: ChangeSource, onWritten: () => void): () => void {
  const { clock, logger, pollMs } = source.relay
  let seen = source.foreignVersion()
  if (seen === null) return () => {}
  let cancel = clock.setTimeout(look, pollMs)

  function look(): void {
    cancel = clock.setTimeout(look, pollMs)
    try {
      const version = source.foreignVersion()
      if (version === seen) return
      seen = version
      onWritten()
    } catch (error) {
      logger.error('The change relay could not look for other writers and tries again.', {
        error: describeError(error),
      })
    }
  }

  return () => cancel()
}
