// `pnpm check`: everything that can be said without running the tests. One line a step; the first failure ends it.
import { spawnSync } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { root } from './root.ts'

interface Step {
  readonly name: string
  readonly command: string
  /** What to do about a failure, where the output does not say it. */
  readonly hint?: string
}

const steps: readonly Step[] = [
  { name: 'format', command: 'oxfmt --check', hint: 'pnpm format writes it' },
  { name: 'lint', command: 'oxlint --type-aware --deny-warnings' },
  { name: 'types', command: 'tsc -b' },
  { name: 'boundaries', command: 'node scripts/check-boundaries.ts' },
  { name: 'tests named in documents', command: 'node scripts/check-docs.ts' },
  { name: 'build', command: 'node scripts/build.ts' },
  { name: 'exports', command: 'node scripts/check-exports.ts' },
  {
    name: 'unused code',
    command: 'knip --no-progress --no-config-hints',
    hint: 'remove it, or name a new entry in knip.json',
  },
  { name: 'sizes', command: 'size-limit', hint: 'the budgets are in .size-limit.json' },
]

for (const step of steps) {
  if (!passes(step)) {
    process.exitCode = 1
    break
  }
}

function passes({ name, command, hint }: Step): boolean {
  const startedAt = performance.now()
  const PATH = [join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter)
  const { status, stdout, stderr } = spawnSync(command, {
    cwd: root,
    shell: true,
    encoding: 'utf8',
    env: { ...process.env, PATH },
  })
  if (status !== 0) {
    process.stdout.write(stdout + stderr)
    console.error(`✗ ${name}: \`${command}\` failed${hint ? ` (${hint})` : ''}`)
    return false
  }
  console.log(`✓ ${name} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`)
  return true
}
