import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const serverFile = fileURLToPath(
  new URL('dist/server.js', import.meta.resolve('@dnr/task-board/package.json')),
)

export interface BoardProcess {
  /** `http://127.0.0.1:PORT`; the port stays the same when it is started again. */
  readonly url: string
  start(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
  /** Sends a signal that does not end the process: SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void
  /** Sends a signal and answers how the process ended. */
  end(signal: NodeJS.Signals): Promise<Ending>
  /** Resolves when the process ends by itself. */
  ended(): Promise<Ending>
  [Symbol.asyncDispose](): Promise<void>
}

export interface Ending {
  readonly code: number | null
  readonly signal: string | null
}

/** The built task board as a process of its own, on a free port. Needs `pnpm build`. */
export async function startBoard(env: Readonly<Record<string, string>> = {}): Promise<BoardProcess> {
  let child: ChildProcess | undefined
  let port = '0'

  const start = async (): Promise<void> => {
    child = spawnBoard({ PORT: port, ...env })
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
    for await (const line of lines) {
      const found = /^listening on http:\/\/127\.0\.0\.1:(\d+)$/.exec(line)?.[1]
      if (found === undefined) continue
      port = found
      return
    }
    throw new Error('The board ended before it listened.')
  }
  const ended: BoardProcess['ended'] = async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null)
      return { code: child?.exitCode ?? null, signal: child?.signalCode ?? null }
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
    return { code, signal }
  }
  const end: BoardProcess['end'] = (signal) => {
    const ending = ended()
    child?.kill(signal)
    return ending
  }
  const kill = async (): Promise<void> => {
    await end('SIGKILL')
  }
  await start()
  return {
    get url() {
      return `http://127.0.0.1:${port}`
    },
    start,
    kill,
    signal: (signal) => child?.kill(signal),
    end,
    ended,
    [Symbol.asyncDispose]: kill,
  }
}

/** Starts a board that is expected to refuse, and answers how. */
export async function runBoard(
  env: Readonly<Record<string, string>>,
): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawnBoard(env, 'pipe')
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}

function spawnBoard(
  env: Readonly<Record<string, string>>,
  stderr: 'inherit' | 'pipe' = 'inherit',
): ChildProcess {
  const child = spawn(process.execPath, [serverFile], {
    env: { PATH: process.env['PATH'] ?? '', DATABASE_URL: ':memory:', PORT: '0', ...env },
    stdio: ['ignore', 'pipe', stderr],
  })
  return endWithUs(child)
}

/** A test that is cut off leaves no server behind. */
function endWithUs(child: ChildProcess): ChildProcess {
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  return child
}
