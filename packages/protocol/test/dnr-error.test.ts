import { describe, expect, test } from 'vitest'
import { DnrError, toDnrError } from '../src/dnr-error.ts'
import { ERROR_CODES, isErrorCode } from '../src/error-code.ts'
import { VersionConflict } from '../src/version-conflict.ts'

describe('DnrError', () => {
  test('has a code, a sentence, and is not retryable unless it says so', () => {
    const error = new DnrError('forbidden', 'No.')
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({
      name: 'DnrError',
      code: 'forbidden',
      message: 'No.',
      retryable: false,
      retryAfterMs: undefined,
      details: undefined,
    })
    expect('cause' in error).toBe(false)
  })

  test('keeps what stands beside it', () => {
    const cause = new Error('disk')
    const error = new DnrError('busy', 'Later.', {
      retryable: true,
      retryAfterMs: 50,
      details: { field: 'x' },
      cause,
    })
    expect(error).toMatchObject({ retryable: true, retryAfterMs: 50, details: { field: 'x' }, cause })
  })

  test('toDnrError passes its own kind through and wraps everything else', () => {
    const own = new DnrError('forbidden', 'No.')
    expect(toDnrError(own, 'internal', 'x')).toBe(own)
    for (const thrown of [new TypeError('t'), 'text', undefined, null, 7]) {
      const wrapped = toDnrError(thrown, 'internal', 'Failed.', { retryable: true })
      expect(wrapped).toMatchObject({ code: 'internal', message: 'Failed.', retryable: true })
      expect(wrapped.cause).toBe(thrown)
    }
  })

  test('a version conflict carries the current row and says both versions', () => {
    const conflict = new VersionConflict({ id: '1', version: 5 }, 3, 5)
    expect(conflict).toBeInstanceOf(DnrError)
    expect(conflict).toMatchObject({
      name: 'VersionConflict',
      code: 'version_conflict',
      current: { id: '1', version: 5 },
      details: { expectedVersion: 3, currentVersion: 5 },
    })
    expect(conflict.message).toMatch(/version 5.*expected 3/)
  })
})

describe('error codes', () => {
  test('are snake_case and stand once', () => {
    for (const code of ERROR_CODES) expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/)
    expect(new Set(ERROR_CODES).size).toBe(ERROR_CODES.length)
  })

  test('are told from other text', () => {
    expect(isErrorCode('forbidden')).toBe(true)
    expect(['', 'Forbidden', 'toString', '__proto__'].map(isErrorCode)).toEqual([false, false, false, false])
  })
})
