import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { addCoverage, createCoverage } from '../coverage.ts'
import type { SeedFailure, SeedsResult } from './run-seeds.ts'

export interface ThreadsOptions {
  readonly seed: number
  readonly runs: number
  /** @default one for each core */
  readonly threads?: number
  /** Called after each portion. */
  onProgress?(done: number, failures: number): void
}

/** Seeds that a thread gets at a time: a slow one holds up no other. */
const PORTION = 20

/** Runs the programs of `runs` seeds on several threads; a seed gives the same on each. */
export async function runInThreads(options: ThreadsOptions): Promise<SeedsResult> {
  const { seed, runs, threads = availableParallelism(), onProgress } = options
  const coverage = createCoverage()
  const failures: SeedFailure[] = []
  const end = seed + runs
  let next = seed
  let done = 0

  const take = (): { seed: number; runs: number } | null => {
    if (next >= end) return null
    const portion = { seed: next, runs: Math.min(PORTION, end - next) }
    next += portion.runs
    return portion
  }
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./seed-worker.ts', import.meta.url), {
        execArgv: ['--conditions=@dnr/source'],
      })
      const go = (): void => {
        const portion = take()
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
        if (portion !== null) return worker.postMessage(portion)
        void worker.terminate()
        resolve()
      }
      worker.on('error', reject)
      worker.on('message', (result: SeedsResult) => {
        done += result.runs
        failures.push(...result.failures)
        addCoverage(coverage, result.coverage)
        onProgress?.(done, failures.length)
        go()
      })
      go()
    })

  await Promise.all(Array.from({ length: Math.min(threads, Math.ceil(runs / PORTION)) }, work))
  return { runs: done, failures: failures.sort((a, b) => a.seed - b.seed), coverage }
}
