import { expect, test } from 'vitest'
import { formatFanOut } from '../../src/report/format-fan-out.ts'

const mode = { title: 'one change in flight', changesPerTick: 1, ticks: 1 }
const budgets = [{ contender: 'dnr', peer: 'ws', changesPerTick: 1, atMost: { ratio: 0.8 } }] as const

test('a ratio stands beside its budget, and whether it is met', () => {
  const met = formatFanOut(
    new Map([
      [
        mode,
        new Map([
          ['ws', [10]],
          ['dnr', [8]],
        ]),
      ],
    ]),
    budgets,
  )
  expect(met).toMatch(/DNR, one policy group +8\.00 +0\.800 +≤ 0\.800 +met/)
  const missed = formatFanOut(
    new Map([
      [
        mode,
        new Map([
          ['ws', [10]],
          ['dnr', [8.01]],
        ]),
      ],
    ]),
    budgets,
  )
  expect(missed).toMatch(/0\.801 +≤ 0\.800 +NOT MET/)
})

test('a ratio is taken in each round: a machine that slows down moves no verdict', () => {
  const samples = new Map([
    ['ws', [10, 20, 40, 10, 10]],
    ['dnr', [7, 14, 28, 7, 90]],
  ] as const)
  expect(formatFanOut(new Map([[mode, samples]]), budgets)).toMatch(/0\.700 +≤ 0\.800 +met/)
})

test('a peer that did not run has no ratio', () => {
  expect(formatFanOut(new Map([[mode, new Map([['dnr', [8]]])]]), budgets)).not.toMatch(/met|MET/)
})

test('a budget in microseconds beyond a peer is held against the difference', () => {
  const own = [{ contender: 'dnr-own-rules', peer: 'dnr', changesPerTick: 1, atMost: { micros: 3 } }] as const
  const micros = (value: number) =>
    new Map([
      [
        mode,
        new Map([
          ['dnr', [8]],
          ['dnr-own-rules', [value]],
        ] as const),
      ],
    ])
  expect(formatFanOut(micros(11), own)).toMatch(/1\.375 +≤ 1 \+ 3 µs +met/)
  expect(formatFanOut(micros(11.01), own)).toMatch(/≤ 1 \+ 3 µs +NOT MET/)
})
