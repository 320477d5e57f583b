import { createRequire } from 'node:module'
import { DnrError } from '@dnr/protocol'
import type { SqliteHandle } from './sqlite-handle.ts'

/** Opens a file, or `:memory:`. */
export type OpenHandle = (path: string) => SqliteHandle

const OLDEST_NODE: readonly [number, number] = [22, 12]

/**
 * Refuses a Node that the driver would crash in: better-sqlite3 does not say no, it ends the process.
 *
 * @throws DnrError `unsupported_runtime`
 */
export function checkRuntime(nodeVersion: string): void {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number)
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return
  throw new DnrError(
    'unsupported_runtime',
    `This is Node ${nodeVersion}; the SQLite driver needs ${OLDEST_NODE.join('.')} or newer. Install a newer Node and start again.`,
  )
}

/** Loads better-sqlite3 when it is first needed, so that users of another driver need not have it. */
export function loadDriver(nodeVersion: string = process.versions.node): OpenHandle {
  checkRuntime(nodeVersion)
  const Database = requireDriver()
  // The first moments of a file are contended when several processes start together; this is the only blocking wait.
  return (path) => new Database(path, { timeout: 2_000 })
}

type DriverClass = new (path: string, options: { readonly timeout: number }) => SqliteHandle

function requireDriver(): DriverClass {
  try {
    return createRequire(import.meta.url)('better-sqlite3') as DriverClass
  } catch (cause) {
    throw new DnrError(
      'unsupported_runtime',
      'better-sqlite3 could not be loaded. Install it, or give openDatabase a handle.',
      { cause },
    )
  }
}
