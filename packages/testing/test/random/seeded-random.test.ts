import { expect, test } from 'vitest'
import { createSeededRandom } from '../../src/random/seeded-random.ts'

test('the numbers of a seed never change', () => {
  const random = createSeededRandom(42)
  expect([random(), random(), random()]).toEqual([
    0.6011037519201636, 0.44829055899754167, 0.8524657934904099,
  ])
})

const draw = (seed: number): number[] => Array.from({ length: 20 }, createSeededRandom(seed))

test('the same seed repeats, another one differs', () => {
  expect(draw(7)).toEqual(draw(7))
  expect(draw(7)).not.toEqual(draw(8))
})

test('numbers lie in [0, 1) and are spread evenly', () => {
  const random = createSeededRandom(1)
  const numbers = Array.from({ length: 10_000 }, random)
  expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0)
  expect(Math.max(...numbers)).toBeLessThan(1)
  const low = numbers.filter((number) => number < 0.5).length
  expect(low).toBeGreaterThan(4_800)
  expect(low).toBeLessThan(5_200)
})
