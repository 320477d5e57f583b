import { expect, test } from 'vitest'
import { formatFanOut } from '../../src/report/format-fan-out.ts'

const mode = { title: 'one change in flight', changesPerTick: 1, ticks: 1 }
const budgets = [{ contender: 'dnr', peer: 'ws', changesPerTick: 1, atMost: 0.8 }] as const

test('a ratio stands beside its budget, and whether it is met', () => {
  const met = formatFanOut(
    new Map([
      [
        mode,
        new Map([
          ['ws', 10],
          ['dnr', 8],
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
          ['ws', 10],
          ['dnr', 8.01],
        ]),
      ],
    ]),
    budgets,
  )
  expect(missed).toMatch(/0\.801 +≤ 0\.800 +NOT MET/)
})

test('a peer that did not run has no ratio', () => {
  expect(formatFanOut(new Map([[mode, new Map([['dnr', 8]])]]), budgets)).not.toMatch(/met|MET/)
})
