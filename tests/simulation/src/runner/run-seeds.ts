import { addCoverage, type Coverage, createCoverage } from '../coverage.ts'
import type { PlantedBug } from '../planted-bug.ts'
import { generateProgram } from '../program/generate.ts'
import { runProgram } from '../run-program.ts'

/** What a range of seeds came to. */
export interface SeedsResult {
  readonly runs: number
  readonly failures: readonly SeedFailure[]
  readonly coverage: Coverage
}

export interface SeedFailure {
  readonly seed: number
  readonly property: string
  readonly message: string
}

export interface SeedsOptions {
  readonly seed: number
  readonly runs: number
  readonly bug?: PlantedBug | null
  /** Stops at the first failure. @default false */
  readonly untilFailure?: boolean
}

/** Runs the programs of `runs` seeds, one after the other. */
export async function runSeeds({
  seed,
  runs,
  bug = null,
  untilFailure = false,
}: SeedsOptions): Promise<SeedsResult> {
  const coverage = createCoverage()
  const failures: SeedFailure[] = []
  let done = 0
  for (let next = seed; next < seed + runs; next++) {
    const result = await runProgram(generateProgram(next), bug)
    done++
    addCoverage(coverage, result.coverage)
    if (result.violation === null) continue
    failures.push({ seed: next, property: result.violation.property, message: result.violation.message })
    if (untilFailure) break
  }
  return { runs: done, failures, coverage }
}
