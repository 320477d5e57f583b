import { expect, test } from 'vitest'
import { CLOSE_CODES, reconnectAdvice } from '../src/close-code.ts'

test.each([
  [4400, 'no'],
  [4401, 'refresh-token'],
  [4403, 'no'],
  [4408, 'now'],
  [4413, 'backoff'],
  [4429, 'backoff'],
  [4500, 'backoff'],
  [4503, 'backoff'],
  [1000, 'now'],
  [1001, 'backoff'],
  [1005, 'backoff'],
  [1006, 'backoff'],
  [1009, 'backoff'],
  [1012, 'backoff'],
  [4999, 'backoff'],
  [0, 'backoff'],
] as const)('after close %i a client comes back: %s', (code, advice) => {
  expect(reconnectAdvice(code)).toBe(advice)
})

test('every close code reads like an HTTP status', () => {
  expect(Object.values(CLOSE_CODES).every((code) => code >= 4400 && code < 4600)).toBe(true)
  expect(new Set(Object.values(CLOSE_CODES)).size).toBe(Object.keys(CLOSE_CODES).length)
})
