// Thousands of random programs with every kind of fault: everything holds, and every rare edge has been there.
// `SIMULATION_RUNS` and `SIMULATION_SEED` say how many and from where on.
import { expect, test } from 'vitest'
import { MANY_RUNS, missingEdges, RARE_EDGES } from '../src/coverage.ts'
import { runInThreads } from '../src/runner/run-in-threads.ts'

const isContinuousIntegration = process.env['CI'] === 'true'
const runs = Number(process.env['SIMULATION_RUNS'] ?? (isContinuousIntegration ? 2_000 : 300))
const seed = Number(process.env['SIMULATION_SEED'] ?? 1)

test(`${runs} seeds from ${seed}: nothing is lost, doubled, out of order, leaked or left unsettled`, async () => {
  const { failures, coverage } = await runInThreads({ seed, runs })
  const [first] = failures
  expect(
    failures.map((failure) => failure.seed),
    first && `${first.message}\nreplay: pnpm test:simulate --seed ${first.seed}`,
  ).toEqual([])
  console.log(RARE_EDGES.map((edge) => `${coverage[edge]} ${edge}`).join(' · '))
  if (runs >= MANY_RUNS) expect(missingEdges(coverage)).toEqual([])
})
