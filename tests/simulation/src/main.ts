// `pnpm test:simulate --seed N --runs K`: runs the programs of K seeds from N on. A seed that fails is printed with what it violated,
// shrunk, and printed again as a program that `--program FILE` replays. `--verbose` prints the trace of each.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type Coverage, MANY_RUNS, missingEdges, RARE_EDGES } from './coverage.ts'
import { generateProgram } from './program/generate.ts'
import { describeOperation, type Program } from './program/operation.ts'
import { runProgram } from './run-program.ts'
import { runInThreads } from './runner/run-in-threads.ts'
import { shrink } from './shrink.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '1' },
    threads: { type: 'string' },
    program: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
})

if (values.program !== undefined)
  await runOne(JSON.parse(readFileSync(values.program, 'utf8')) as Program, true)
else if (values.runs === '1') await runOne(generateProgram(Number(values.seed)), values.verbose)
else await runMany(Number(values.seed), Number(values.runs))

async function runMany(seed: number, runs: number): Promise<void> {
  const startedAt = performance.now()
  const threads = values.threads === undefined ? {} : { threads: Number(values.threads) }
  const { failures, coverage } = await runInThreads({
    seed,
    runs,
    ...threads,
    onProgress: (done, failed) => process.stderr.write(`\r${done} of ${runs} seeds, ${failed} failed `),
  })
  process.stderr.write('\n')
  printCoverage(coverage)
  judgeCoverage(coverage, runs)
  console.log(
    `${runs} seeds from ${seed} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s: ${failures.length} failed`,
  )
  for (const failure of failures) console.log(`seed ${failure.seed}  ${failure.message.split('\n')[0]}`)
  const [first] = failures
  if (first !== undefined) await runOne(generateProgram(first.seed), values.verbose)
}

async function runOne(program: Program, isVerbose: boolean): Promise<void> {
  const { violation, trace, virtualMs } = await runProgram(program)
  if (isVerbose) console.log(trace.join('\n'))
  console.log(
    `seed ${program.seed}: ${program.operations.length} operations, ${(virtualMs / 1000).toFixed(1)} s of virtual time`,
  )
  if (violation === null) return console.log('everything holds')
  process.exitCode = 1
  console.log(violation.message)
  const { program: small, runs } = await shrink(program, violation.property)
  const again = await runProgram(small)
  console.log(
    `\nshrunk to ${small.operations.length} operations in ${runs} runs: ${again.violation?.message}\n`,
  )
  for (const operation of small.operations) console.log(describeOperation(operation))
  console.log(
    `\n${again.trace.slice(-60).join('\n')}\n\nreplay with --program FILE:\n${JSON.stringify(small)}`,
  )
}

function judgeCoverage(coverage: Coverage, runs: number): void {
  const missing = missingEdges(coverage)
  if (missing.length === 0) return
  const isFailure = runs >= MANY_RUNS
  if (isFailure) process.exitCode = 1
  console.log(
    `${isFailure ? 'FAILED' : 'too few seeds to say more'}: never occurred in ${runs} seeds: ${missing.join(', ')}`,
  )
}

function printCoverage(coverage: Coverage): void {
  for (const edge of RARE_EDGES) console.log(`${String(coverage[edge]).padStart(8)}  ${edge}`)
}
