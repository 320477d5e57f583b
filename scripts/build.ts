// Builds every package and the example, except what has not changed since its last build. `--force` builds all.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, delimiter, join } from 'node:path'
import { root } from './root.ts'

const stamps = join(root, 'node_modules/.cache/dnr-build')
const sharedInputs = [
  'tsup.base.ts',
  'tsconfig.base.json',
  'pnpm-lock.yaml',
  'packages/protocol/{package.json,src/**/*}',
  'packages/internal/{package.json,src/**/*}',
]

export async function build(options: { force?: boolean } = {}): Promise<void> {
  const packages = globSync('packages/*/tsup.config.ts', { cwd: root })
    .map((file) => join(file, '..'))
    .sort()
  // Packages read each other's sources, so their order does not matter; the example needs them all.
  await runAll(packages.map((dir) => () => buildIfChanged(dir, [...sharedInputs, ...inputsOf(dir)], options)))
  await buildIfChanged(
    'examples/task-board',
    [...sharedInputs, ...packages.flatMap(inputsOf), ...inputsOf('examples/task-board')],
    options,
  )
}

function inputsOf(dir: string): string[] {
  return [`${dir}/*.{json,ts,html}`, `${dir}/src/**/*`, `${dir}/public/**/*`]
}

async function buildIfChanged(
  dir: string,
  inputs: string[],
  { force = false }: { force?: boolean },
): Promise<void> {
  const stamp = join(stamps, basename(dir))
  const hash = hashOf(inputs)
  if (!force && isBuilt(dir) && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return
  rmSync(stamp, { force: true })
  await runBuildScript(dir)
  mkdirSync(stamps, { recursive: true })
  writeFileSync(stamp, hash)
  console.log(`built ${dir}`)
}

function isBuilt(dir: string): boolean {
  return readExports(dir).every((file) => existsSync(join(root, dir, file)))
}

function readExports(dir: string): string[] {
  const { exports } = readPackage(dir)
  if (!exports) return ['dist/server.js', 'dist/main.js', 'dist/web/index.html']
  return Object.values(exports).flatMap((target) =>
    typeof target === 'string' ? [] : [target.types, target.default],
  )
}

function hashOf(patterns: string[]): string {
  const hash = createHash('sha256').update(process.version)
  const files = globSync(patterns, { cwd: root, withFileTypes: true }).filter((entry) => entry.isFile())
  for (const file of files.map((entry) => join(entry.parentPath, entry.name)).sort())
    hash.update(file).update('\0').update(readFileSync(file))
  return hash.digest('hex')
}

interface Package {
  readonly scripts: { readonly build: string }
  readonly exports?: Record<string, string | { readonly types: string; readonly default: string }>
}

function readPackage(dir: string): Package {
  return JSON.parse(readFileSync(join(root, dir, 'package.json'), 'utf8')) as Package
}

/** The same as `pnpm run build` in `dir`, without the second that pnpm takes to start. */
function runBuildScript(dir: string): Promise<void> {
  const cwd = join(root, dir)
  const PATH = [join(cwd, 'node_modules/.bin'), join(root, 'node_modules/.bin'), process.env['PATH']].join(
    delimiter,
  )
  return new Promise((resolve, reject) => {
    const child = spawn(readPackage(dir).scripts.build, {
      cwd,
      shell: true,
      stdio: 'inherit',
      env: { ...process.env, PATH },
    })
    child.once('error', reject)
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`the build of ${dir} failed`))))
  })
}

async function runAll(tasks: (() => Promise<void>)[]): Promise<void> {
  const waiting = [...tasks]
  const work = async () => {
    for (let task = waiting.shift(); task; task = waiting.shift()) await task()
  }
  try {
    await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, work))
  } finally {
    waiting.length = 0 // after a failure no further build starts
  }
}

if (import.meta.main) {
  try {
    await build({ force: process.argv.includes('--force') })
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
