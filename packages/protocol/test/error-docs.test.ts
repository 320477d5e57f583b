import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { CLOSE_CODES } from '../src/close-code.ts'
import { ERROR_CODES } from '../src/error-code.ts'

const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8')
const rows = page
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter((cells) => cells.length === 6 && /^`[a-z_]+`$/.test(cells[1] ?? ''))

test('docs/errors.md has one line for every code, in the order of the list, and none for a code that does not exist', () => {
  expect(rows.map((cells) => cells[1]?.replaceAll('`', ''))).toEqual([...ERROR_CODES])
})

test('every line says what happened and what to do', () => {
  for (const [, code, happened, todo, where] of rows) {
    expect(happened, `${code}: what happened`).toMatch(/\w.*\.$/)
    expect(todo, `${code}: what to do`).toMatch(/\w.*\.$/)
    expect(where, `${code}: status and close code`).not.toBe('')
  }
})

test('every close code stands in the table of closes', () => {
  for (const code of Object.values(CLOSE_CODES)) expect(page).toMatch(new RegExp(`^\\| ${code}\\b`, 'm'))
})
