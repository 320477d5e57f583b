// The lives of a server, one after the other: starts, deaths, what it complains of. Holds the process that was born last, also
// while it is still starting.
import { InvariantViolation } from '@dnr/testing'
import { createDraw } from '../program/draw.ts'
import type { ServerProcess, ServerProcessOptions } from './server-process.ts'
import { startServer } from './server-process.ts'

export interface ServerLife {
  /** The one that listens, or none. */
  readonly server: ServerProcess | null
  start(): void
  /** Dead at once; another starts after `downMs`. */
  crash(downMs: number): void
}

export interface ServerLifeOptions extends Omit<ServerProcessOptions, 'number' | 'draw' | 'onError'> {
  /** Counts processes, of all lives. */
  nextNumber(): number
  note(line: string): void
  fail(violation: InvariantViolation): void
  onListening(): void
}

/** What the sink of the simulation throws. */
export const SINK_ERROR = 'the sink is out of order'
const AGAIN_MS = 50

export function createServerLife(options: ServerLifeOptions): ServerLife {
  const { place, program, clock, note, count, fail } = options
  let server: ServerProcess | null = null
  let born: { kill(): void } | null = null
  let planned: (() => void) | null = null

  const onError = (who: string, message: string, details: unknown): void => {
    const { error } = (details ?? {}) as {
      error?: { code?: string; message?: string; stack?: string } | string
    }
    note(`${who} error: ${message} ${JSON.stringify(details ?? {})}`)
    // Trouble of the sink and of rules is the simulation's own; whatever else has no code of ours was not foreseen.
    if (error === undefined || typeof error === 'string' || /to its sink|^The policy of/.test(message)) return
    if (error.code !== undefined && error.code !== 'internal') return
    fail(new InvariantViolation('S9', { who, what: message, actual: error.stack ?? error.message ?? error }))
  }

  const begin = async (): Promise<void> => {
    const number = options.nextNumber()
    const who = `server ${number}`
    note(`${who} starts`)
    const own = { ...options, number, draw: createDraw(program.seed, who) }
    try {
      server = await startServer(
        { ...own, onError: (message, details) => onError(who, message, details) },
        (process) => (born = process),
      )
      note(`${who} listens`)
      options.onListening()
    } catch (error) {
      note(`${who} did not start: ${String(error)}`)
      count('crash while starting')
      // Killed while it was starting, another one is planned already.
      if (born !== null && server === null) crash(AGAIN_MS)
    }
  }

  const crash = (downMs: number): void => {
    born?.kill()
    born = null
    server = null
    note(`server ${place} is dead`)
    const again = (): void => {
      if (planned !== again) return
      planned = null
      void begin()
    }
    planned = again
    clock.setTimeout(again, downMs)
  }

  return {
    get server() {
      return server
    },
    start: () => void begin(),
    crash,
  }
}
