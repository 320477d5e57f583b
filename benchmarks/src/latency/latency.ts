import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, startChild } from '../process/child.ts'
import { quantile } from '../report/median.ts'

export interface LatencyOptions {
  readonly writes: number
  /** Writes before those that count. */
  readonly warmUp: number
}

/** Microseconds from a moment of the write to the row on the other client's screen. */
export interface Latency {
  readonly p50: number
  readonly p99: number
}

export interface LatencyResult {
  readonly fromAnswer: Latency
  /** From the call: the durable commit is in it. */
  readonly fromCall: Latency
}

type Side = 'dnr' | 'socket.io'

/** Writes one at a time and waits for each to be shown; the sides take turns write by write. */
export async function measureLatency({
  writes,
  warmUp,
}: LatencyOptions): Promise<ReadonlyMap<Side, LatencyResult>> {
  const folder = await mkdtemp(join(tmpdir(), 'dnr-bench-'))
  const pairs: {
    side: Side
    server: Child
    client: Child
    samples: { fromAnswer: number; fromCall: number }[]
  }[] = []
  try {
    for (const side of ['dnr', 'socket.io'] as const) {
      const server = await startChild('latency/server-process.ts', [side, join(folder, 'items.db')], 'server')
      const client = await startChild('latency/client-process.ts', [side], 'load')
      await client.ask({ kind: 'connect', ...(await server.ask<{ port: number }>({ kind: 'port' })) })
      pairs.push({ side, server, client, samples: [] })
    }
    for (let n = 1; n <= warmUp + writes; n++) {
      for (const { server, client, samples } of pairs) {
        const sample = await measureWrite(server, client, n)
        if (n > warmUp) samples.push(sample)
      }
    }
    return new Map(pairs.map(({ side, samples }) => [side, summarise(samples)]))
  } finally {
    await Promise.all(pairs.flatMap(({ server, client }) => [client.close(), server.close()]))
    await rm(folder, { recursive: true, force: true })
  }
}

async function measureWrite(
  server: Child,
  client: Child,
  n: number,
): Promise<{ fromAnswer: number; fromCall: number }> {
  const shown = client.ask<{ at: number }>({ kind: 'shown', n })
  const { calledAt, answeredAt } = await server.ask<{ calledAt: number; answeredAt: number }>({
    kind: 'write',
    n,
  })
  const { at } = await shown
  return { fromAnswer: at - answeredAt, fromCall: at - calledAt }
}

function summarise(samples: readonly { fromAnswer: number; fromCall: number }[]): LatencyResult {
  const latencyOf = (values: readonly number[]): Latency => ({
    p50: quantile(values, 0.5),
    p99: quantile(values, 0.99),
  })
  return {
    fromAnswer: latencyOf(samples.map(({ fromAnswer }) => fromAnswer)),
    fromCall: latencyOf(samples.map(({ fromCall }) => fromCall)),
  }
}
