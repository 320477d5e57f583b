import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

type Report = { readonly listening: number; readonly committed: number } | { readonly written: number }

/** {@link startStack} in a child process on `path`, to be killed and started again on the same port. */
export function createKillableStack(path: string) {
  let child: ChildProcess | undefined
  let port = 0
  let written = 0
  let committed = 0
  let told = (): void => {}

  const start = async (): Promise<void> => {
    child = fork(fileURLToPath(new URL('stack-process.ts', import.meta.url)), [path, String(port)], {
      execArgv: ['--conditions=@dnr/source', '--disable-warning=ExperimentalWarning'],
    })
    const listening = new Promise<number>((resolve, reject) => {
      child?.once('exit', (code, signal) => reject(new Error(`the server ended with ${code ?? signal}`)))
      child?.on('message', (report: Report) => {
        if ('listening' in report) {
          committed = report.committed
          resolve(report.listening)
        } else written = report.written
        told()
      })
    })
    port = await listening
  }
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  const reach = async (goal: number): Promise<void> => {
    if (written >= goal) return
    await new Promise<void>((resolve) => (told = resolve))
    await reach(goal)
  }
  return {
    start,
    kill,
    /** Writes number after number from the first that is not committed, until it is killed. */
    write: () => {
      written = committed
      child?.send({ writeFrom: committed + 1 })
    },
    /** Writes so many thousand rows in one transaction; resolves when they are committed. */
    async writeAtOnce(thousands: number): Promise<void> {
      written = 0
      child?.send({ writeAtOnce: thousands * 1_000 })
      await reach(thousands * 1_000)
    },
    /** The last number that the server found in its table when it started. */
    get committed() {
      return committed
    },
    /** The last number whose commit was reported. */
    get written() {
      return written
    },
    /** Resolves once `count` more numbers are written. */
    writes: (count: number): Promise<void> => reach(written + count),
    get url() {
      return `ws://127.0.0.1:${port}/ws`
    },
    [Symbol.asyncDispose]: kill,
  }
}
