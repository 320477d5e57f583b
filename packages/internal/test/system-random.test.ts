import { expect, test } from 'vitest'
import { systemRandom } from '../src/system-random.ts'

test('is from 0 up to, not including, 1, and varies', () => {
  const drawn = Array.from({ length: 100 }, systemRandom)
  expect(drawn.every((number) => number >= 0 && number < 1)).toBe(true)
  expect(new Set(drawn).size).toBeGreaterThan(90)
})
