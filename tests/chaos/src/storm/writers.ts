// Everybody who writes over HTTP.
import { globalAgent } from 'node:http'
import { isAcknowledged, isRefused } from '../checks/check-writes.ts'
import type { WriteRecord } from '../checks/evidence.ts'
import { ask } from '../processes/ask.ts'
import { type HttpWriter, startHttpWriter } from '../processes/http-writer.ts'
import { createWritePlan } from '../processes/write-plan.ts'
import { signIn } from './sign-in.ts'

export interface Writers {
  /** Rows that all of them write. */
  readonly sharedIds: readonly string[]
  readonly records: readonly WriteRecord[]
  readonly acknowledgedCount: number
  start(): void
  /** Resolves when every write that was begun is answered, or given up by its writer. */
  stop(): Promise<void>
  counts(): {
    readonly requests: number
    readonly acknowledged: number
    readonly refused: number
    readonly unknown: number
    readonly answeredLater: number
    readonly twins: number
  }
  [Symbol.asyncDispose](): Promise<void>
}

const WRITERS = [
  { name: 'alice', team: 'red' },
  { name: 'bob', team: 'red' },
  { name: 'carol', team: 'blue' },
  { name: 'dave', team: 'blue' },
  { name: 'erin', team: 'admin' },
] as const
const SHARED_ROWS = 6

/** Signs everybody in and makes the shared rows, while the network is still good. */
export async function createWriters(port: number, fork: () => () => number): Promise<Writers> {
  const tokens = await Promise.all(WRITERS.map(({ name, team }) => signIn(port, name, team)))
  const sharedIds = Array.from({ length: SHARED_ROWS }, (_, index) => `shared-${index}`)
  for (const [index, id] of sharedIds.entries()) {
    const body = { id, title: id, team: index % 2 === 0 ? 'red' : 'blue' }
    await ask(globalAgent, port, { method: 'POST', path: '/api/Task', token: tokens.at(-1) ?? '', body })
  }
  let writers: HttpWriter[] = []
  const sum = (of: (writer: HttpWriter) => number): number =>
    writers.reduce((total, each) => total + of(each), 0)
  const all = (): WriteRecord[] => writers.flatMap(({ records }) => records)
  const stop = async (): Promise<void> => {
    await Promise.all(writers.map((writer) => writer.stop()))
  }
  return {
    sharedIds,
    get records() {
      return all()
    },
    get acknowledgedCount() {
      return all().filter(isAcknowledged).length
    },
    start() {
      writers = WRITERS.map(({ name, team }, index) => {
        const random = fork()
        const plan = createWritePlan({ userId: name, team, sharedIds, random })
        return startHttpWriter({ port, userId: name, token: tokens[index] ?? '', random, ...plan })
      })
    },
    stop,
    counts() {
      const records = all()
      const acknowledged = records.filter(isAcknowledged).length
      const refused = records.filter(isRefused).length
      return {
        requests: sum(({ requestCount }) => requestCount),
        acknowledged,
        refused,
        unknown: records.length - acknowledged - refused,
        answeredLater: sum(({ answeredLater }) => answeredLater),
        twins: sum(({ twins }) => twins),
      }
    },
    async [Symbol.asyncDispose]() {
      for (const writer of writers) writer.close()
      await stop()
    },
  }
}
