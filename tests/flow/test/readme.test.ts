import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const readme = new URL('../../../README.md', import.meta.url)
// Inside this package, so that the programs find the workspace's packages.
const parent = fileURLToPath(new URL('..', import.meta.url))

test(
  'the programs of the README run: the server starts, and a row goes from one client to another',
  { timeout: 30_000 },
  async () => {
    const programs = programsOf(await readFile(readme, 'utf8'))
    expect([...programs.keys()].toSorted()).toEqual(['client.ts', 'server.ts', 'task.ts'])
    const port = await freePort()
    const folder = await mkdtemp(join(parent, '.readme-'))
    const running: ChildProcess[] = []
    try {
      for (const [name, text] of programs)
        await writeFile(join(folder, name), text.replaceAll('3000', String(port)))
      const run = (name: string): ChildProcess => {
        const child = spawn(
          process.execPath,
          ['--conditions=@dnr/source', '--disable-warning=ExperimentalWarning', name],
          {
            cwd: folder,
            stdio: ['ignore', 'pipe', 'inherit'],
          },
        )
        running.push(child)
        return child
      }
      run('server.ts')
      await printed(run('client.ts'), "[ 'Try it' ]")
      // The second client shows the first one's row beside its own: it came from the table.
      await printed(run('client.ts'), "[ 'Try it', 'Try it' ]")
    } finally {
      for (const child of running) child.kill('SIGKILL')
      await Promise.all(
        running.map(async (child) => child.exitCode ?? child.signalCode ?? (await once(child, 'exit'))),
      )
      await rm(folder, { recursive: true, force: true })
    }
  },
)

/** The fenced blocks whose first line is a comment with a file's name. */
function programsOf(text: string): ReadonlyMap<string, string> {
  return new Map(
    [...text.matchAll(/```ts\n(\/\/ (\S+\.ts)\n[\s\S]*?)```/g)].map(([, program = '', name = '']) => [
      name,
      program,
    ]),
  )
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function printed(child: ChildProcess, wanted: string): Promise<void> {
  let output = ''
  for await (const chunk of child.stdout ?? []) {
    output += String(chunk)
    if (output.includes(wanted)) return
  }
  throw new Error(`the program ended without printing ${wanted}:\n${output}`)
}
