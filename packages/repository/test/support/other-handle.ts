import Database from 'better-sqlite3'

/** A second connection to a file, as another process would have it. */
export function openOther(path: string): Database.Database & Disposable {
  const handle = new Database(path, { timeout: 0 })
  return Object.assign(handle, { [Symbol.dispose]: () => void handle.close() })
}
