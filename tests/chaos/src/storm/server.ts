import { type BoardProcess, type Ending, startBoard } from '@dnr/flow-tests/board-process'
import type { TcpProxy } from '../proxy/tcp-proxy.ts'

/** The board, one life after the other on the same file; its proxies know where it is. */
export interface Server {
  /** SIGKILL. Newcomers are reset until the next start. */
  kill(): Promise<void>
  start(): Promise<void>
  /** SIGSTOP, or SIGCONT. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
  /** SIGTERM; answers how the process ended. */
  terminate(): Promise<Ending>
  /** Resolves when this life ends by itself. */
  ended(): Promise<Ending>
  [Symbol.asyncDispose](): Promise<void>
}

export interface ServerOptions {
  readonly path: string
  readonly proxies: readonly TcpProxy[]
  /** Environment of the board, beside its file and secret. */
  readonly env?: Readonly<Record<string, string>>
}

/** Starts the first life. Every life listens on a port of its own: a dead one's may be somebody else's by then. */
export async function startServer({ path, proxies, env = {} }: ServerOptions): Promise<Server> {
  let board: BoardProcess
  const pointTo = (port: number | null): void => proxies.forEach((proxy) => (proxy.upstream = port))
  const start = async (): Promise<void> => {
    board = await startBoard({ DATABASE_URL: `file:${path}`, DNR_SECRET: 'chaos', ...env })
    pointTo(Number(new URL(board.url).port))
  }
  const kill = async (): Promise<void> => {
    pointTo(null)
    await board.kill()
  }
  const forget = async (ending: Promise<Ending>): Promise<Ending> => {
    const how = await ending
    pointTo(null)
    return how
  }
  await start()
  return {
    kill,
    start,
    signal: (signal) => board.signal(signal),
    terminate: () => forget(board.end('SIGTERM')),
    ended: () => forget(board.ended()),
    [Symbol.asyncDispose]: kill,
  }
}
