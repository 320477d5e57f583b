import type { SqliteHandle } from './sqlite-handle.ts'

/**
 * Makes what gives a value that changes when another connection has committed, and only then. Half as dear as asking where
 * the log ends.
 */
export function prepareDataVersion(handle: SqliteHandle): () => unknown {
  const statement = handle.prepare('PRAGMA data_version')
  const version = statement.pluck?.() ?? statement
  return () => version.get()
}
