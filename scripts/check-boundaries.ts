import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findViolations } from './boundaries.ts'
import { root } from './root.ts'

const files = globSync('packages/*/src/**/*.{ts,tsx}', { cwd: root })
const violations = findViolations(
  new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')])),
)

for (const violation of violations) console.error(violation)
if (violations.length > 0) process.exitCode = 1
