import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { openTasks, temporaryFile } from '../support/database.ts'
import { readStoredState } from '../support/stored-state.ts'

const program = fileURLToPath(new URL('../support/relay-writer.ts', import.meta.url))

interface Report {
  readonly delivered: readonly (readonly [offset: number, id: string])[]
  readonly written: readonly { readonly mutationId: string; readonly offset: number; readonly id: string }[]
}

interface Writer extends Disposable {
  nextLine(): Promise<string>
  go(): void
}

const ROUNDS = 12
const ROUND = 10
const SHARED = 40
const NAMES = ['red', 'green', 'blue']

function startWriter(path: string, name: string): Writer {
  const child: ChildProcessWithoutNullStreams = spawn(process.execPath, [
    '--conditions=@dnr/source',
    '--no-warnings',
    program,
    path,
    name,
    String(NAMES.length),
    String(ROUNDS),
    String(SHARED),
  ])
  const errors: string[] = []
  child.stderr.on('data', (text) => errors.push(String(text)))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async nextLine() {
      const { value, done } = await lines.next()
      if (done === true) throw new Error(`A writer ended early: ${errors.join('')}`)
      return value
    },
    go: () => child.stdin.write('go\n'),
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  }
}

test(
  'three processes write into one file at once: each relay hands on the whole log, in order, each change once, and twins of a mutation id happen once',
  { timeout: 120_000 },
  async () => {
    using file = temporaryFile()
    // Made beforehand, so that every relay starts at the same place.
    await (await openTasks({ path: file.path }))[Symbol.asyncDispose]()
    using stack = new DisposableStack()
    const writers = NAMES.map((name) => stack.use(startWriter(file.path, name)))
    const together = async (): Promise<string[]> => {
      const lines = await Promise.all(writers.map((writer) => writer.nextLine()))
      for (const writer of writers) writer.go()
      return lines
    }
    expect(await together()).toEqual(['ready', 'ready', 'ready'])
    expect(await together()).toEqual(['written', 'written', 'written'])
    const reports = (await Promise.all(writers.map((writer) => writer.nextLine()))).map(
      (line) => JSON.parse(line) as Report,
    )

    const { entries, rows } = readStoredState(file.path, ['Task'])
    const total = NAMES.length * ROUNDS * ROUND + SHARED
    expect(entries).toHaveLength(total)
    expect(rows.size).toBe(total)
    const log = entries.map(({ offset, row_id }) => [offset, row_id])
    expect(log.map(([offset]) => offset)).toEqual(Array.from({ length: total }, (_, index) => index + 1))
    for (const { delivered } of reports) expect(delivered).toEqual(log)

    // All who asked under one mutation id were told of the same row at the same place.
    const answers = new Map<string, string>()
    for (const { mutationId, offset, id } of reports.flatMap(({ written }) => written)) {
      expect(answers.get(mutationId) ?? `${offset} ${id}`).toBe(`${offset} ${id}`)
      answers.set(mutationId, `${offset} ${id}`)
    }
    expect(answers.size).toBe(total)
    // Nobody could begin a round before everybody had written the one before.
    const authors = entries.map(({ after }) => (JSON.parse(after ?? '') as { title: string }).title)
    const turns = authors.filter((author, index) => author !== authors[index - 1]).length
    expect(turns).toBeGreaterThanOrEqual(ROUNDS * 2)
  },
)
