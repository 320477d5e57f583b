import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * The secret that signs the demo's sessions, kept in `file`, so that who is signed in stays so when the server is stopped
 * and started again. Made on first use, readable by its owner alone; `undefined` where it cannot be kept.
 */
export function demoSecret(file: string): string | undefined {
  try {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' })
  } catch {
    // It is there already, or nothing can be written here.
  }
  try {
    return readFileSync(file, 'utf8').trim() || undefined
  } catch {
    return undefined
  }
}
