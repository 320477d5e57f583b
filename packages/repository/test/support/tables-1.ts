import { readFileSync } from 'node:fs'
import Database from 'better-sqlite3'

/**
 * Makes a file as version 1 of our tables had it, with tasks whose writes are captured: a and b at version 2, c deleted; the
 * log holds 3 to 6, the last two from one SQL statement. `more`: SQL that runs in it afterwards.
 */
export function makeTables1(path: string, more = ''): void {
  const sql = readFileSync(new URL('./tables-1.sql', import.meta.url), 'utf8')
  const handle = new Database(path)
  handle.pragma('journal_mode = WAL')
  handle.exec(sql + more)
  handle.close()
}
