import { expect, test } from 'vitest'
import { invariant } from '../src/invariant.ts'

test('passes what holds and narrows its type', () => {
  const value = [1].at(0)
  invariant(value !== undefined, 'the array has an element')
  expect(value.toFixed(1)).toBe('1.0')
})

test('names the broken rule', () => {
  expect(() => invariant(0, 'offsets start at 1')).toThrow('Invariant broken: offsets start at 1.')
})
