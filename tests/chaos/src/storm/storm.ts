// The whole thing: writers over HTTP and a program with the same file, subscribers of every kind, everything through
// proxies that break connections, a server that is killed and started again on the same file. Afterwards: what is there,
// what was said, what was shown, as evidence for the checks.
import { setTimeout as sleep } from 'node:timers/promises'
import { temporaryFolder } from '@dnr/flow-tests/temporary-folder'
import { createSeededRandom } from '@dnr/testing'
import { checkEvidence } from '../checks/check-evidence.ts'
import type { Evidence } from '../checks/evidence.ts'
import { createBulkWriter } from '../processes/bulk-writer.ts'
import { BACKOFF_MAX_MS } from '../processes/live-client.ts'
import { createFrameCutter, type Tamper } from '../proxy/frame-cutter.ts'
import { startTcpProxy } from '../proxy/tcp-proxy.ts'
import { openAudience } from './audience.ts'
import { startFaults } from './faults.ts'
import { liveAndDie } from './lives.ts'
import { checkIntegrity, readDatabase } from './read-database.ts'
import type { StormResult } from './report.ts'
import { startServer } from './server.ts'
import { createWriters } from './writers.ts'

export interface StormOptions {
  readonly seed: number
  /** How often the server is killed. */
  readonly kills: number
  /** How many writes get through after the last kill, at least. @default 5 */
  readonly lastWrites?: number
  /** Connections hold. @default false */
  readonly isCalm?: boolean
  /** Plants a bug: changes what goes to the subscribers, frame by frame. */
  readonly tamper?: Tamper
}

/** L1: after the last fault everybody is live, and after the last write everybody has everything, within this time. */
export const SETTLE_MS = 5_000 + BACKOFF_MAX_MS

/** Runs a storm from a seed. Rejects only when something outside of it fails, such as a server that does not start. */
export async function runStorm({
  seed,
  kills,
  lastWrites,
  isCalm = false,
  tamper,
}: StormOptions): Promise<StormResult> {
  const random = createSeededRandom(seed)
  const fork = (): (() => number) => createSeededRandom(Math.floor(random() * 2 ** 32))
  await using folder = await temporaryFolder()
  const path = folder.file('board.db')
  await using http = await startTcpProxy()
  await using sockets = await startTcpProxy(
    tamper && { down: () => ({ rewrite: createFrameCutter(tamper) }) },
  )
  await using server = await startServer({ path, proxies: [http, sockets] })
  await using bulk = createBulkWriter(path)
  await using writers = await createWriters(http.port, fork)
  using audience = await openAudience({ http: http.port, sockets: sockets.port }, writers.sharedIds, fork)
  const late: string[] = []
  await settle('live before the storm', () => audience.notLive(), late)

  writers.start()
  bulk.start()
  const faults = startFaults(isCalm ? [] : [http, sockets], fork())
  const pauses = await liveAndDie({ server, bulk, writers, audience, kills, lastWrites, random: fork() })
  faults.stop()
  const liveAfterMs = await settle('live', () => audience.notLive(), late)
  await Promise.all([bulk.kill(), writers.stop()])
  const { log, rows } = readDatabase(path)
  const currentAfterMs = await settle('current', () => audience.notCurrent(log, rows), late)

  const evidence: Evidence = {
    log,
    rows,
    writes: [...writers.records, ...bulk.records],
    streams: audience.streams(),
    collections: audience.collections(),
  }
  const integrity = checkIntegrity(path)
  const broken = integrity === 'ok' ? [] : [`the file is broken: ${String(integrity)}`]
  return {
    violations: [...late, ...broken, ...bulk.crashes, ...checkEvidence(evidence)],
    counts: {
      kills,
      pauses,
      faults: faults.counts,
      connections: http.connectionCount + sockets.connectionCount,
      ...writers.counts(),
      bulkTransactions: bulk.acknowledgedRounds,
      changes: log.length,
      ...audience.counts(),
      liveAfterMs,
      currentAfterMs,
    },
  }
}

/** Waits until nobody is left, and notes who is when the time is over. Resolves with how long it took. */
async function settle(what: string, whoIsNot: () => readonly string[], late: string[]): Promise<number> {
  const startedAt = performance.now()
  for (;;) {
    const names = whoIsNot()
    const tookMs = Math.round(performance.now() - startedAt)
    if (names.length === 0) return tookMs
    if (tookMs > SETTLE_MS) {
      late.push(...names.map((name) => `late: ${name} is not ${what} after ${tookMs} ms`))
      return tookMs
    }
    await sleep(20)
  }
}
