import { expect, test } from 'vitest'
import { median, quantile } from '../../src/report/median.ts'

test('the median is the middle, or between the two in the middle', () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(median([7])).toBe(7)
})

test('a quantile is the value that its share does not exceed', () => {
  const values = Array.from({ length: 101 }, (_, index) => index)
  expect([quantile(values, 0), quantile(values, 0.5), quantile(values, 0.99), quantile(values, 1)]).toEqual([
    0, 50, 99, 100,
  ])
})
