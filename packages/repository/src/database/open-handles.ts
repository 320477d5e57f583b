import { DnrError } from '@dnr/protocol'
import type { OpenHandle } from './load-driver.ts'
import type { SqliteHandle } from './sqlite-handle.ts'

/** How long a statement may block the event loop for another process' lock; longer waits are asynchronous. */
const BLOCKING_BUSY_MS = 5

/** What stays of the write-ahead log's file when its content has been folded in; a long reader may have blown it up. */
const WAL_KEPT_BYTES = 16 * 1024 * 1024

/** How much of a commit must have reached the disk before it is answered. */
export type Synchronous = 'full' | 'normal'

/**
 * Prepares a handle for writing: WAL, `synchronous`, short waits, foreign keys. Everything that a later open would
 * silently lose (better-sqlite3 opens WAL files with NORMAL) is set and then read back.
 *
 * @throws DnrError `storage_failed` when the database does not take a setting.
 */
export function prepareWriter(handle: SqliteHandle, synchronous: Synchronous): void {
  const journal = readPragma(handle, 'journal_mode = WAL')
  if (journal !== 'wal' && journal !== 'memory') {
    throw new DnrError(
      'storage_failed',
      `The database stays in journal mode "${String(journal)}" and cannot use WAL: is it on a network file system?`,
    )
  }
  handle.exec(`PRAGMA synchronous = ${synchronous === 'full' ? 'FULL' : 'NORMAL'}; PRAGMA foreign_keys = ON`)
  handle.exec(`PRAGMA journal_size_limit = ${WAL_KEPT_BYTES}`)
  shortenWaits(handle)
  assertPragma(handle, 'synchronous', synchronous === 'full' ? 2 : 1)
  assertPragma(handle, 'foreign_keys', 1)
  assertPragma(handle, 'encoding', 'UTF-8')
}

/** Opens a second connection that cannot write. */
export function openReader(open: OpenHandle, path: string): SqliteHandle {
  const handle = open(path)
  prepareReader(handle)
  return handle
}

/** Makes a handle one that cannot write. */
export function prepareReader(handle: SqliteHandle): void {
  handle.exec('PRAGMA query_only = ON')
  shortenWaits(handle)
}

/** Opens a file and says in our words why it cannot be opened. */
export function openWriter(open: OpenHandle, path: string): SqliteHandle {
  try {
    return open(path)
  } catch (cause) {
    throw new DnrError(
      'storage_failed',
      `The database "${path}" cannot be opened: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    )
  }
}

function shortenWaits(handle: SqliteHandle): void {
  handle.exec(`PRAGMA busy_timeout = ${BLOCKING_BUSY_MS}`)
}

function assertPragma(handle: SqliteHandle, name: string, expected: unknown): void {
  const actual = readPragma(handle, name)
  if (actual === expected) return
  throw new DnrError(
    'storage_failed',
    `PRAGMA ${name} is ${String(actual)} and must be ${String(expected)}: the database did not take the setting.`,
  )
}

/** The value that a pragma answers with. */
export function readPragma(handle: SqliteHandle, pragma: string): unknown {
  return Object.values((handle.prepare(`PRAGMA ${pragma}`).get() as object | undefined) ?? {})[0]
}

/** Its file; empty for a database in memory. */
export function fileOf(handle: SqliteHandle): string {
  const databases = handle.prepare('PRAGMA database_list').all() as {
    readonly name: string
    readonly file: string
  }[]
  return databases.find(({ name }) => name === 'main')?.file ?? ''
}
