import { readFileSync } from 'node:fs'
import Database from 'better-sqlite3'

/** Makes a file as earlier triggers left it after OR FAIL, with items whose writes they capture. */
export function makeEndlessTransaction(path: string): void {
  const handle = new Database(path)
  handle.pragma('journal_mode = WAL')
  handle.exec(readFileSync(new URL('./endless-transaction.sql', import.meta.url), 'utf8'))
  handle.close()
}
