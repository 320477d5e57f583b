import { DnrError } from '@dnr/protocol'

/** When a caller should try again after `busy`. */
const BUSY_RETRY_MS = 250
/** When a caller should try again after `storage_full` or `storage_failed`: somebody has to mend the disk first. */
const DISK_RETRY_MS = 5_000

/** SQLite's name of an error such as `SQLITE_BUSY_SNAPSHOT`; `null` when it is none of SQLite's. */
function sqliteCode(error: unknown): string | null {
  const code = error instanceof Error && 'code' in error ? error.code : null
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : null
}

/** Does another connection hold the lock? Then trying again later helps. */
export function isBusy(error: unknown): boolean {
  if (error instanceof DnrError) return error.code === 'busy'
  const code = sqliteCode(error)
  return code !== null && (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED'))
}

/** Was a rule of the table broken (unique, foreign key, check, not null)? */
export function isConstraint(error: unknown): boolean {
  return sqliteCode(error)?.startsWith('SQLITE_CONSTRAINT') ?? false
}

/**
 * Is the whole transaction over? After a full disk, a failed one and the like SQLite has often rolled back by itself; what
 * ran then would be a transaction of its own.
 */
export function endsTransaction(error: unknown): boolean {
  const code = sqliteCode(error)
  return code !== null && /^SQLITE_(FULL|IOERR|NOMEM|INTERRUPT|CORRUPT|NOTADB|READONLY|CANTOPEN)/.test(code)
}

/** Is it the primary key or a unique column `table.id`? */
export function isTakenId(error: unknown, table: string): boolean {
  return (
    isConstraint(error) &&
    error instanceof Error &&
    error.message.endsWith(`UNIQUE constraint failed: ${table}.id`)
  )
}

/** The {@link DnrError} for whatever a statement threw. What is none of SQLite's becomes `internal`. */
export function storageError(error: unknown): DnrError {
  if (error instanceof DnrError) return error
  const code = sqliteCode(error)
  if (code === null)
    return new DnrError(
      'internal',
      'Something unexpected was thrown during a database operation: see cause.',
      { cause: error },
    )
  if (isBusy(error)) return busyError(error)
  if (isConstraint(error)) return constraintError(code, error as Error)
  if (DISK_FULL.has(code)) {
    return new DnrError('storage_full', 'The disk is full; nothing was written. Make room and write again.', {
      retryable: true,
      retryAfterMs: DISK_RETRY_MS,
      cause: error,
    })
  }
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') return corruptError(code, error)
  if (code === 'SQLITE_ERROR' && (error as Error).message.startsWith('no such table: dnr_')) {
    return new DnrError(
      'storage_failed',
      "DNR's tables are missing in this database, or another version of @dnr/repository made them: call database.migrate([…]) once at start.",
      { cause: error },
    )
  }
  return new DnrError('storage_failed', `The database answered ${code}; nothing was written. See cause.`, {
    // A disk that came back, or a file that may be written again, takes the same write.
    ...(DISK_TROUBLE.test(code) ? { retryable: true, retryAfterMs: DISK_RETRY_MS } : {}),
    cause: error,
  })
}

/** The index of the write-ahead log cannot grow for want of room, either. */
const DISK_FULL: ReadonlySet<string> = new Set(['SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE'])
const DISK_TROUBLE = /^SQLITE_(IOERR|READONLY|CANTOPEN)/

/** The file is not what SQLite wrote. Waiting does not help. */
export function corruptError(what: string, cause?: unknown): DnrError {
  return new DnrError(
    'storage_corrupt',
    `The database file is damaged (${what}). Stop every process that uses it and restore a backup; ` +
      'clients notice that the history is another one and read the rows anew.',
    { cause },
  )
}

/** Somebody else held the lock for longer than a write waits. */
export function busyError(cause?: unknown): DnrError {
  return new DnrError(
    'busy',
    'The database stayed locked by someone else; nothing was written. Try again later.',
    {
      retryable: true,
      retryAfterMs: BUSY_RETRY_MS,
      cause,
    },
  )
}

/** The handle given to openDatabase has a transaction of its own open; ours would become part of its rollback. */
export function foreignTransaction(): DnrError {
  return busyError(new Error('The handle given to openDatabase has a transaction of its own open.'))
}

/** What every call after `close()` gets. */
export function closedError(): DnrError {
  return new DnrError('closed', 'The database is closed.')
}

const BROKEN_RULES: Readonly<Record<string, string>> = {
  SQLITE_CONSTRAINT_UNIQUE: 'another row has this value already',
  SQLITE_CONSTRAINT_FOREIGNKEY:
    'a field refers to a row that does not exist, or other rows refer to this one',
  SQLITE_CONSTRAINT_NOTNULL: 'the table needs a value here',
  SQLITE_CONSTRAINT_CHECK: 'the value breaks a check of the table',
}

function constraintError(code: string, error: Error): DnrError {
  const rule = BROKEN_RULES[code] ?? 'the write breaks a rule of the table'
  const field = /: \w+\.(\w+)$/.exec(error.message)?.[1]
  return new DnrError('bad_field', field === undefined ? `Refused: ${rule}.` : `${field}: ${rule}.`, {
    ...(field === undefined ? {} : { details: { errors: [{ path: [field], message: rule }] } }),
    cause: error,
  })
}
