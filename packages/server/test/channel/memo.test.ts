import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createMemo } from '../../src/channel/memo.ts'

test('each key has the value that was made for it first', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('', 'a', 'b', 'c')), (keys) => {
      const valueOf = createMemo<string>()
      const known = new Map<string, string>()
      for (const [index, key] of keys.entries()) {
        if (!known.has(key)) known.set(key, `${key}${index}`)
        expect(valueOf(key, () => `${key}${index}`)).toBe(known.get(key))
      }
    }),
  )
})

test('what could not be made is made when it is asked for again', () => {
  const valueOf = createMemo<string>()
  const fail = (): string => {
    throw new Error('no')
  }
  expect(() => valueOf('a', fail)).toThrow('no')
  expect(valueOf('a', () => 'yes')).toBe('yes')
  expect(() => valueOf('b', fail)).toThrow('no')
  expect(valueOf('b', () => 'yes, too')).toBe('yes, too')
})
