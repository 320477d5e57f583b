// Somebody who writes over HTTP, one write after the other, each under a key of its own and asked for again until it is
// answered. Remembers what was said about each.
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WriteAnswer, WriteRecord } from '../checks/evidence.ts'
import { ask, type Reply } from './ask.ts'
import type { PlannedWrite } from './write-plan.ts'

export interface HttpWriter {
  readonly records: readonly WriteRecord[]
  /** Requests sent, repeated ones too. */
  readonly requestCount: number
  /** Writes that were answered only when they were asked for again. */
  readonly answeredLater: number
  /** Writes that were asked for twice at once, and answered twice. */
  readonly twins: number
  /** No new write; resolves when the last one is answered. */
  stop(): Promise<void>
  close(): void
}

export interface HttpWriterOptions {
  readonly port: number
  readonly userId: string
  readonly token: string
  readonly random: () => number
  /** What to write next, given what has become of the writes so far. */
  next(): PlannedWrite
  /** Told once a write is settled, with the row as the server gave it. */
  settled(write: PlannedWrite, reply: Reply | null): void
}

/** Chance of a write being asked for twice at once, and of one that is given up after its first silence. */
const TWIN_CHANCE = 0.1
const GIVE_UP_CHANCE = 0.1
const MOST_PAUSE_MS = 30
/** Whoever hears nothing for so long asks again. */
const SILENCE_MS = 1_500

export function startHttpWriter(options: HttpWriterOptions): HttpWriter {
  const { port, userId, token, random, next, settled } = options
  const agent = new Agent({ keepAlive: true, maxSockets: 4 })
  const records: WriteRecord[] = []
  let requestCount = 0
  let answeredLater = 0
  let twins = 0
  const stopping = new AbortController()
  const closing = new AbortController()

  const send = (write: PlannedWrite): Promise<Reply | null> => {
    requestCount++
    const headers = { 'idempotency-key': write.key, ...write.headers }
    return ask(agent, port, { ...write.request, token, headers, timeoutMs: SILENCE_MS })
  }

  const perform = async (write: PlannedWrite): Promise<void> => {
    const answers: WriteAnswer[] = []
    const record = {
      writer: userId,
      key: write.key,
      operation: write.operation,
      id: write.id,
      requests: 0,
      answers,
    }
    records.push(record)
    const copies = random() < TWIN_CHANCE ? 2 : 1
    let reply: Reply | null = null
    for (let attempt = 1; reply === null && !closing.signal.aborted; attempt++) {
      const askedAt = Date.now()
      const replies = await Promise.all(Array.from({ length: copies }, () => send(write)))
      const final = replies.filter((each) => each !== null).filter(isFinal)
      record.requests += copies
      answers.push(...final.map((each) => answerOf(each, askedAt)))
      reply = final[0] ?? null
      if (final.length === 2) twins++
      if (reply !== null && attempt > 1) answeredLater++
      if (reply === null && random() < GIVE_UP_CHANCE) break
      if (reply === null) await sleep(20 + random() * 80)
    }
    settled(write, reply)
  }

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await perform(next())
      await sleep(random() * MOST_PAUSE_MS)
    }
  }
  const running = run()

  return {
    records,
    get requestCount() {
      return requestCount
    },
    get answeredLater() {
      return answeredLater
    },
    get twins() {
      return twins
    },
    stop() {
      stopping.abort()
      return running
    },
    close() {
      stopping.abort()
      closing.abort()
      agent.destroy()
    },
  }
}

/** A server that is busy, going away or broken has not decided. */
function isFinal({ status }: Reply): boolean {
  return status < 500 && status !== 429 && status !== 408
}

function answerOf({ status, headers, body }: Reply, askedAt: number): WriteAnswer {
  if (status >= 400) return { ok: false, code: `${status} ${JSON.stringify(body['code'])}`, askedAt }
  const offset = /:(\d+)$/.exec(headers['dnr-position'] ?? '')?.[1]
  const version = /^"(\d+)"$/.exec(headers['etag'] ?? '')?.[1]
  return {
    ok: true,
    offset: offset === undefined ? null : Number(offset),
    version: version === undefined ? null : Number(version),
  }
}
