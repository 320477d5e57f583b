// A thread that runs ranges of seeds as it is asked to.
import { parentPort } from 'node:worker_threads'
import { runSeeds } from './run-seeds.ts'

parentPort?.on('message', (range: { readonly seed: number; readonly runs: number }) => void run(range))

async function run(range: { readonly seed: number; readonly runs: number }): Promise<void> {
  const result = await runSeeds(range)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(result)
}
