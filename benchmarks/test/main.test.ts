import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

// No figure is looked at: timings of a busy machine prove nothing.
test('a quick run measures every contender and ends well', { timeout: 180_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [main, '--quick'])
  for (const title of [
    'ws, one string',
    'socket.io room',
    'socket.io room for each record',
    'DNR, one policy group',
    'DNR, written',
    'DNR, write answered',
    'the same in a Kysely transaction',
    '31 stored, 1 failed',
    'everybody missed the same',
    'everybody missed another stretch',
    'DNR, a snapshot in chunks',
    'DNR, eleven subscriptions',
    'TanStack DB',
  ]) {
    expect(stdout).toContain(title)
  }
  expect(stdout).toMatch(/one change in flight[\s\S]*16 changes in one tick[\s\S]*512 changes in one tick/)
  expect(stdout).not.toContain('NaN')
})
