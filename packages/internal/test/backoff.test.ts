import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fullJitterDelayMs } from '../src/backoff.ts'

const options = { baseMs: 500, maxMs: 30_000 }
const justBelowOne = () => 1 - Number.EPSILON

test.each([
  { attempt: 0, ceilingMs: 500 },
  { attempt: 1, ceilingMs: 1_000 },
  { attempt: 5, ceilingMs: 16_000 },
  { attempt: 6, ceilingMs: 30_000 },
  { attempt: 5_000, ceilingMs: 30_000 },
])('attempt $attempt waits between 0 and $ceilingMs ms', ({ attempt, ceilingMs }) => {
  expect(fullJitterDelayMs(attempt, options, () => 0)).toBe(0)
  expect(fullJitterDelayMs(attempt, options, () => 0.5)).toBe(ceilingMs / 2)
  expect(fullJitterDelayMs(attempt, options, justBelowOne)).toBe(ceilingMs - 1)
})

test('is a whole number from 0 up to maxMs, whatever the numbers', () => {
  const millis = fc.integer({ min: 0, max: 86_400_000 })
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(fc.nat(), millis, millis, random, (attempt, baseMs, maxMs, drawn) => {
      const delayMs = fullJitterDelayMs(attempt, { baseMs, maxMs }, () => drawn)
      expect(Number.isSafeInteger(delayMs) && delayMs >= 0 && delayMs <= maxMs).toBe(true)
    }),
  )
})
