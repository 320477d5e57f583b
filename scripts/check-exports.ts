// Looks at the tarballs as npm would publish them: export maps, types, and no trace of the private package.
import { execFile } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { root } from './root.ts'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'dnr-pack-'))

try {
  const problems = [...findPrivateTypes(), ...(await checkTarballs(await pack()))]
  for (const problem of problems) console.error(problem)
  if (problems.length > 0) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true })
}

function findPrivateTypes(): string[] {
  return globSync('packages/*/dist/**/*.d.ts', { cwd: root })
    .filter((file) => readFileSync(join(root, file), 'utf8').includes('@dnr/internal'))
    .map(
      (file) =>
        `${file} mentions @dnr/internal, which is not published: is it a devDependency, imported by name?`,
    )
}

async function pack(): Promise<string[]> {
  const args = [
    '-r',
    '--filter',
    './packages/*',
    '--filter',
    '!@dnr/internal',
    'pack',
    '--pack-destination',
    folder,
  ]
  const [command, before] = pnpmCommand()
  await run(command, [...before, ...args], { cwd: root })
  return globSync('*.tgz', { cwd: folder }).map((file) => join(folder, file))
}

/** `pnpm check` says which pnpm it runs under; without it, by hand, pnpm is fetched. */
function pnpmCommand(): [command: string, args: string[]] {
  const pnpm = process.env['npm_execpath']
  if (!pnpm) return ['npx', ['-y', 'pnpm']]
  return /\.[cm]?js$/.test(pnpm) ? [process.execPath, [pnpm]] : [pnpm, []]
}

async function checkTarballs(tarballs: string[]): Promise<string[]> {
  const published = globSync('packages/*/tsup.config.ts', { cwd: root }).length
  if (tarballs.length !== published)
    return [`${tarballs.length} tarballs were packed, ${published} packages are published`]
  const problems = await Promise.all(
    tarballs.map(async (file) => [...(await lintTarball(file)), ...(await resolveTypes(file))]),
  )
  return problems.flat()
}

async function lintTarball(file: string): Promise<string[]> {
  const tarball = readFileSync(file)
  const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(tarball).buffer }, strict: true })
  return messages.map((message) => `${String(pkg?.['name'])}: ${formatMessage(message, pkg) ?? message.code}`)
}

async function resolveTypes(file: string): Promise<string[]> {
  const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js')
  try {
    await run(process.execPath, [attw, file, '--profile', 'esm-only', '--no-color', '--format', 'ascii'])
    return []
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    return [`${stdout}${stderr}`]
  }
}
