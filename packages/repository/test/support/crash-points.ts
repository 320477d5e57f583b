import { execFile } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import type { Acknowledged } from './crash-scenarios.ts'
import { temporaryFile } from './database.ts'

/** One run of the writer: what it said before it died, or that it got to its end. */
export interface CrashedRun {
  readonly path: string
  readonly acknowledged: readonly Acknowledged[]
  readonly isFinished: boolean
  readonly signal: string | null
}

/** Starts writers that are killed; as one bundle, since loading is most of what such a process does. */
export interface CrashBench extends Disposable {
  /** Where the databases are. */
  readonly directory: string
  /** Runs a scenario on copies of `template` once for each step, until one run gets to its end. */
  killAtEveryStep(
    scenario: string,
    template: string | null,
    verify: (run: CrashedRun) => Promise<void>,
  ): Promise<number>
}

const writer = fileURLToPath(new URL('./crash-writer.ts', import.meta.url))
const modules = fileURLToPath(new URL('../../node_modules/', import.meta.url))

/**
 * Bundles the writer into a directory from where it finds the driver. The databases are kept in memory where that is
 * possible: a killed process loses nothing that it gave to the operating system, wherever it is.
 */
export async function createCrashBench(): Promise<CrashBench> {
  const bundle = mkdtempSync(join(modules, '.crash-'))
  const { directory, ...databases } = temporaryFile({ inMemory: true })
  await build({
    configFile: false,
    logLevel: 'silent',
    ssr: { noExternal: true, external: ['better-sqlite3'], resolve: { conditions: ['@dnr/source'] } },
    build: { ssr: writer, outDir: bundle, minify: false },
  })
  const program = join(bundle, 'crash-writer.js')
  const env = { ...process.env, NODE_COMPILE_CACHE: join(bundle, 'cache') }

  const run = (path: string, scenario: string, steps: number): Promise<CrashedRun> =>
    new Promise((resolve, reject) => {
      execFile(
        process.execPath,
        [program, path, scenario, String(steps)],
        { env },
        (error, stdout, stderr) => {
          const lines = stdout.split('\n').filter((line) => line !== '')
          const isFinished = lines.at(-1) === 'finished'
          if (!isFinished && error?.signal !== 'SIGKILL')
            return reject(new Error(`The writer failed: ${stderr}`))
          const acknowledged = lines.filter((line) => line !== 'finished')
          resolve({
            path,
            isFinished,
            signal: error?.signal ?? null,
            acknowledged: acknowledged.map((line) => JSON.parse(line) as Acknowledged),
          })
        },
      )
    })

  // What is compiled is kept at the end of a process, which those that are killed do not reach.
  await run(join(directory, 'warm-up.db'), 'a migration of an empty file', Number.MAX_SAFE_INTEGER)

  return {
    async killAtEveryStep(scenario, template, verify) {
      let next = 0
      let last = Number.POSITIVE_INFINITY
      const worker = async (): Promise<void> => {
        while (next < last) {
          const steps = next++
          const path = join(directory, `${scenario.replaceAll(' ', '-')}-${steps}.db`)
          if (template !== null) copyFileSync(template, path)
          const crashed = await run(path, scenario, steps)
          if (crashed.isFinished) last = Math.min(last, steps)
          await verify(crashed)
        }
      }
      await Promise.all(Array.from({ length: availableParallelism() }, worker))
      return last
    },
    directory,
    [Symbol.dispose]() {
      rmSync(bundle, { recursive: true, force: true })
      databases[Symbol.dispose]()
    },
  }
}
