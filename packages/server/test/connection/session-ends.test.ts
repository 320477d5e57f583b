import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nextMoment } from '../../src/connection/session-ends.ts'

const now = 1_700_000_000_000
const jitters = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

test('sessions that began in one second are asked over the whole lead, not in one moment', () => {
  const moments = Array.from({ length: 1_000 }, (_, index) =>
    nextMoment(now + 3_600_000, now, 30_000, index / 1_000),
  )
  expect([Math.min(...moments), Math.max(...moments)].map((at) => now + 3_600_000 - at)).toEqual([
    59_970, 30_000,
  ])
  const bySecond = Map.groupBy(moments, (at) => Math.floor(at / 1_000))
  expect(Math.max(...[...bySecond.values()].map(({ length }) => length))).toBeLessThanOrEqual(34)
})

test('a short session is asked in its middle third', () => {
  expect(nextMoment(now + 12_000, now, 30_000, 0)).toBe(now + 8_000)
  expect(nextMoment(now + 12_000, now, 30_000, 0.999)).toBeCloseTo(now + 4_004, -1)
})

test('in the last second, and without a lead, there is only the end', () => {
  expect(nextMoment(now + 1_000, now, 30_000, 0.5)).toBe(now + 1_000)
  expect(nextMoment(now + 3_600_000, now, 0, 0.5)).toBe(now + 3_600_000)
})

test('a client that never answers is asked a few times, each time later, and the end comes', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10 * 86_400_000 }),
      fc.integer({ min: 1, max: 3_600_000 }),
      jitters,
      (lifeMs, leadMs, jitter) => {
        let at = now
        let asked = 0
        while (at < now + lifeMs) {
          const next = nextMoment(now + lifeMs, at, leadMs, jitter)
          expect(next).toBeGreaterThan(at)
          expect(next).toBeLessThanOrEqual(now + lifeMs)
          at = next
          asked++
        }
        expect(asked).toBeLessThan(45)
      },
    ),
  )
})
