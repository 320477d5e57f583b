import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

/** A process of the run that is asked by message and answers by message, in order. */
export interface Child {
  /** Sends and waits for the answer. */
  ask<Answer>(message: object): Promise<Answer>
  close(): Promise<void>
}

/** Servers have one core and load the other, where the machine has two and can pin. */
export type Core = 'server' | 'load'

export const canPin = availableParallelism() >= 2 && spawnSync('taskset', ['-c', '0', 'true']).status === 0

/** Is there a program of this name? */
export function isInstalled(program: string): boolean {
  return spawnSync(program, ['--version']).status === 0
}

/**
 * Starts `src/{entry}` with `args` on its core, under the same Node unless `runtime` is another one. Workspace packages are read
 * from their sources.
 *
 * `niceness`: how far it stands back behind what is measured on its core. `ownOptions`: Node options that the measurement needs.
 * `variables`: of its environment, beside those of this process. Node's own options are for profiles: `BENCH_SERVER_OPTIONS=--cpu-prof pnpm bench`.
 */
export async function startChild(
  entry: string,
  args: readonly string[],
  core: Core,
  {
    niceness = 0,
    runtime,
    ownOptions = [],
    variables = {},
  }: {
    readonly niceness?: number
    readonly runtime?: string | undefined
    readonly ownOptions?: readonly string[]
    readonly variables?: Readonly<Record<string, string>>
  } = {},
): Promise<Child> {
  const file = fileURLToPath(new URL(`../${entry}`, import.meta.url))
  const nodeOptions = (core === 'server' ? process.env['BENCH_SERVER_OPTIONS'] : undefined)?.split(' ') ?? []
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', ...ownOptions, ...nodeOptions]
  const running = [...(runtime === undefined ? node : [runtime]), '--conditions=@dnr/source', file, ...args]
  const pinned = canPin ? ['taskset', '-c', core === 'server' ? '0' : '1', ...running] : running
  const [command, ...rest] = canPin && niceness > 0 ? ['nice', '-n', `${niceness}`, ...pinned] : pinned
  const child = spawn(command ?? process.execPath, rest, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'json',
    env: { ...process.env, ...variables },
  })
  const asked: ((answer: unknown) => void)[] = []
  let fail: (error: Error) => void = () => {}
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject
  })
  failed.catch(() => {})
  child.on('message', (answer) => asked.shift()?.(answer))
  child.on('error', fail)
  child.on('exit', (code, signal) =>
    fail(new Error(`${entry} ${args.join(' ')} ended with ${code ?? signal}`)),
  )
  const ask = <Answer>(message: object): Promise<Answer> => {
    const answer = new Promise<Answer>((resolve) => asked.push((value) => resolve(value as Answer)))
    child.send(message)
    return Promise.race([answer, failed])
  }
  await ask({ kind: 'start' })
  return { ask, close: () => ended(child) }
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.disconnect()
  })
}

/** The other side of {@link Child.ask}: `handlers` by `kind`, one answer each; the process ends with its parent. */
export function answerParent(
  handlers: Readonly<Record<string, (message: never) => unknown>>,
  stop: () => Promise<void>,
): void {
  process.on('message', (message: { kind: string }) => {
    void Promise.resolve(handlers[message.kind]?.(message as never)).then((answer) =>
      process.send?.(answer ?? null),
    )
  })
  process.on('disconnect', () => void stop().finally(() => process.exit(0)))
}
