import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findMissingTests, type Page } from './named-tests.ts'
import { root } from './root.ts'

const read = (file: string): string => readFileSync(join(root, file), 'utf8')

const pages: readonly Page[] = [
  { name: 'ARCHITECTURE.md', text: read('ARCHITECTURE.md') },
  { name: 'docs/guarantees.md', text: read('docs/guarantees.md') },
  { name: 'docs/security.md', text: read('docs/security.md'), shortFor: 'packages/server/test' },
]
const files = globSync(['packages/*/test/**/*.{ts,tsx}', 'tests/*/{src,test}/**/*.ts'], { cwd: root })
const sources = new Map(files.map((file) => [file, read(file)]))

const missing = pages.flatMap((page) => findMissingTests(page, sources))
for (const line of missing) console.error(line)
if (missing.length > 0) process.exitCode = 1
