import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { demoSecret } from '../demo-secret.ts'

let folder = ''
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'dnr-secret-'))))
afterEach(() => rmSync(folder, { recursive: true }))

test('the secret is made once, kept for the next start, and readable by its owner alone', () => {
  const file = join(folder, 'data', 'session-secret')
  const secret = demoSecret(file)
  expect(secret).toHaveLength(43)
  expect(demoSecret(file)).toBe(secret)
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test('where it cannot be kept there is none', () => {
  writeFileSync(join(folder, 'data'), '')
  expect(demoSecret(join(folder, 'data', 'session-secret'))).toBeUndefined()
})
