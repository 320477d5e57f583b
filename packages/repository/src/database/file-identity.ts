// Whether the path of a database still leads to the file that is open. Holds which file that was.
import { statSync } from 'node:fs'
import { DnrError } from '@dnr/protocol'
import { fileOf } from './open-handles.ts'
import type { SqliteHandle } from './sqlite-handle.ts'

/**
 * Makes the check of one handle, to be called when it has just been opened. A file that another is moved over lives on
 * without a name, as long as it is open: nothing fails, and everything is lost at the next start.
 */
export function createFileCheck(handle: SqliteHandle): () => DnrError | null {
  const path = fileOf(handle)
  if (path === '') return () => null
  const opened = identityOf(path)
  return () => (identityOf(path) === opened ? null : replacedError(path))
}

/** `null`: there is no such file. */
function identityOf(path: string): string | null {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found === undefined ? null : `${found.dev} ${found.ino}`
}

function replacedError(path: string): DnrError {
  return new DnrError(
    'storage_failed',
    `"${path}" was removed or replaced by another file while it was open: what is written now is in a file without a name, and is lost. ` +
      'Stop all processes that use it, remove its -wal and -shm, put the right file there, and start them again. ' +
      'To put a backup back under running processes use .restore of the sqlite3 program.',
  )
}
