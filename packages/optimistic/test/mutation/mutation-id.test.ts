import { expect, test } from 'vitest'
import { createRandomIds } from '../../src/mutation/mutation-id.ts'

const ids = Array.from({ length: 2_000 }, createRandomIds())

test('26 letters and digits, different each time (A12)', () => {
  for (const id of ids) expect(id).toMatch(/^[a-z0-9]{26}$/)
  expect(new Set(ids).size).toBe(ids.length)
})

test('all 32 characters are used, each about as often as the others: 5 bits each', () => {
  const counts = new Map<string, number>()
  for (const character of ids.join('')) counts.set(character, (counts.get(character) ?? 0) + 1)
  const expected = (ids.length * 26) / 32
  expect(counts.size).toBe(32)
  // Seven standard deviations, which chance does not reach.
  for (const count of counts.values())
    expect(Math.abs(count - expected)).toBeLessThan(7 * Math.sqrt(expected))
})
