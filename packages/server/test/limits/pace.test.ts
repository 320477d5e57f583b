import { expect, test } from 'vitest'
import { createPace, owePace, paceInMs, takePace } from '../../src/limits/pace.ts'

test('gives a second of its allowance at once, and then as it comes in', () => {
  const pace = createPace(10, 0)
  expect(takePace(pace, 10, 10, 0)).toBe(true)
  expect(takePace(pace, 10, 1, 50)).toBe(false)
  expect(paceInMs(pace, 10, 1)).toBe(50)
  expect(takePace(pace, 10, 1, 100)).toBe(true)
  expect(takePace(pace, 10, 11, 100_000)).toBe(false)
})

test('owes a second at most', () => {
  const pace = createPace(10, 0)
  owePace(pace, 10, 1_000, 0)
  expect(paceInMs(pace, 10, 0)).toBe(1_000)
  expect(takePace(pace, 10, 1, 1_100)).toBe(true)
})

test('without a limit there is always some left', () => {
  const pace = createPace(Number.POSITIVE_INFINITY, 0)
  expect(takePace(pace, Number.POSITIVE_INFINITY, 1_000_000, 0)).toBe(true)
})
