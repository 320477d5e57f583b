// The lives of the server, each with some writing in it and a violent end.
import { setTimeout as sleep } from 'node:timers/promises'
import type { BulkWriter } from '../processes/bulk-writer.ts'
import type { Audience } from './audience.ts'
import type { Server } from './server.ts'
import type { Writers } from './writers.ts'

export interface LivesOptions {
  readonly server: Server
  readonly bulk: BulkWriter
  readonly writers: Pick<Writers, 'acknowledgedCount'>
  readonly audience: Pick<Audience, 'join'>
  readonly kills: number
  /** How many writes get through after the last kill, at least. @default 5 */
  readonly lastWrites?: number | undefined
  readonly random: () => number
}

const LIFE = { leastMs: 200, mostMs: 900, leastWrites: 5, limitMs: 30_000 }
/** Every so many lives the server is stopped for a while before it is killed, or the other program is killed too. */
const PAUSE_EVERY = 4
const BULK_KILL_EVERY = 3

/** Kills and starts the server so many times; afterwards it runs. Answers how often it was stopped for a while. */
export async function liveAndDie({
  server,
  bulk,
  writers,
  audience,
  kills,
  lastWrites = LIFE.leastWrites,
  random,
}: LivesOptions): Promise<number> {
  let pauses = 0
  for (let life = 1; life <= kills; life++) {
    await writeSome(writers, LIFE.leastMs + random() * (LIFE.mostMs - LIFE.leastMs))
    if (life % PAUSE_EVERY === 0) {
      pauses++
      server.signal('SIGSTOP')
      await sleep(100 + random() * 700)
      // Half of them are killed as they are, the others go on for a moment.
      if (random() < 0.5) {
        server.signal('SIGCONT')
        await sleep(random() * 200)
      }
    }
    await server.kill()
    if (life % BULK_KILL_EVERY === 0) await bulk.kill()
    await server.start()
    if (life % BULK_KILL_EVERY === 0) bulk.start()
    if (life === Math.ceil(kills / 2)) audience.join()
  }
  await writeSome(writers, LIFE.leastMs, lastWrites)
  return pauses
}

/** Lets time pass, and longer if the writers do not get through. */
async function writeSome(
  writers: LivesOptions['writers'],
  forMs: number,
  leastWrites = LIFE.leastWrites,
): Promise<void> {
  const goal = writers.acknowledgedCount + leastWrites
  const startedAt = performance.now()
  await sleep(forMs)
  while (writers.acknowledgedCount < goal) {
    if (performance.now() - startedAt > LIFE.limitMs)
      throw new Error(
        `Fewer than ${leastWrites} writes got through in ${LIFE.limitMs} ms of a server's life.`,
      )
    await sleep(20)
  }
}
