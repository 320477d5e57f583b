// The program of the test kit's README runs: for several seeds, in a process of its own.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const readme = new URL('../../../packages/testing/README.md', import.meta.url)
// Inside this package, so that the programs find the workspace's packages.
const parent = fileURLToPath(new URL('..', import.meta.url))

test('the program of the README tests a board with its own policies, in at most 20 lines', async () => {
  const programs = programsOf(await readFile(readme, 'utf8'))
  const own = programs.get('board.simulation.ts') ?? ''
  expect(own.split('\n').filter((line) => line !== '' && !line.startsWith('//')).length).toBeLessThanOrEqual(
    20,
  )
  const folder = await mkdtemp(join(parent, '.readme-'))
  try {
    for (const [name, text] of programs) await writeFile(join(folder, name), text)
    for (const seed of ['1', '2', '3']) {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--conditions=@dnr/source', '--disable-warning=ExperimentalWarning', 'board.simulation.ts', seed],
        { cwd: folder },
      )
      expect(stdout).toContain('66 of 100 rows, and everything holds')
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

/** The fenced blocks whose first line is a comment with a file's name. */
function programsOf(text: string): ReadonlyMap<string, string> {
  return new Map(
    [...text.matchAll(/```ts\n(\/\/ (\S+\.ts)\n[\s\S]*?)```/g)].map(([, program = '', name = '']) => [
      name,
      program,
    ]),
  )
}
