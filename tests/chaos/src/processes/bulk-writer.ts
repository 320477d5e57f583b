import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { WriteRecord } from '../checks/evidence.ts'
import { BULK_USER, BUNDLE_ROWS, BUNDLES, bundleRowId, mutationIdOf } from './bundle.ts'

/** The process that writes whole bundles of rows into the board's file, and what it said of each. */
export interface BulkWriter {
  /** In the order of asking; the rows of one transaction side by side. */
  readonly records: readonly WriteRecord[]
  readonly acknowledgedRounds: number
  /** How it ended when nobody had killed it. */
  readonly crashes: readonly string[]
  start(): void
  /** SIGKILL, in the middle of whatever it does. */
  kill(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

interface Round {
  outcome: 'tried' | 'acknowledged' | 'refused'
  readonly askedAt: number
}

const file = fileURLToPath(new URL('bulk-writer-process.ts', import.meta.url))

export function createBulkWriter(path: string): BulkWriter {
  const rounds = new Map<number, Round>()
  const crashes: string[] = []
  let child: ChildProcess | null = null

  const hear = ({ round, outcome }: { round: number; outcome: Round['outcome'] }): void => {
    const known = rounds.get(round)
    if (known !== undefined) known.outcome = outcome
    else rounds.set(round, { outcome, askedAt: Date.now() })
  }
  const recordsOf = ([round, { outcome, askedAt }]: readonly [number, Round]): WriteRecord[] =>
    Array.from({ length: BUNDLE_ROWS }, (_, index) => ({
      writer: BULK_USER.id,
      key: mutationIdOf(round, index),
      operation: 'updated' as const,
      id: bundleRowId(round % BUNDLES, index),
      requests: 1,
      answers:
        outcome === 'acknowledged'
          ? [{ ok: true, offset: null, version: null }]
          : outcome === 'refused'
            ? [{ ok: false, code: 'rolled_back', askedAt }]
            : [],
    }))

  const kill = async (): Promise<void> => {
    const own = child
    child = null
    if (own === null || own.exitCode !== null || own.signalCode !== null) return
    const ended = once(own, 'exit')
    own.kill('SIGKILL')
    await ended
  }
  return {
    get records() {
      return [...rounds].flatMap(recordsOf)
    },
    get acknowledgedRounds() {
      return [...rounds.values()].filter(({ outcome }) => outcome === 'acknowledged').length
    },
    crashes,
    start() {
      const own = fork(file, [path, String(Math.max(0, ...rounds.keys()) + 1)], {
        execArgv: ['--conditions=@dnr/source', '--disable-warning=ExperimentalWarning'],
      })
      const killWithUs = (): void => void own.kill('SIGKILL')
      process.once('exit', killWithUs)
      own.once('exit', (code, signal) => {
        process.off('exit', killWithUs)
        if (child === own) crashes.push(`the bulk writer ended by itself: ${code ?? signal}`)
      })
      own.on('message', hear)
      child = own
    },
    kill,
    [Symbol.asyncDispose]: kill,
  }
}
