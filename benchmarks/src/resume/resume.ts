import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, startChild } from '../process/child.ts'
import type { Pauses } from '../process/event-loop.ts'
import type { Usage } from '../process/usage.ts'
import { median } from '../report/median.ts'
import { type Gap, missedBy } from './gap.ts'
import { type ResumeContenderName, resumeContenders } from './resume-contender.ts'

export interface ResumeOptions {
  readonly contenders: readonly ResumeContenderName[]
  readonly clients: number
  /** How many changes each client missed, on average. */
  readonly changes: number
  readonly rounds: number
}

/** What it took to bring all clients up to date; medians of the rounds, the highest of the memory. */
export interface ResumeFigures {
  /** Server CPU per replayed message. */
  readonly micros: number
  /** From the first request to the last message. */
  readonly wallMs: number
  /** What the process held more than before. */
  readonly grownBytes: number
  readonly pauses: Pauses
  readonly idlePauses: Pauses
}

export type ResumeResult = ReadonlyMap<Gap, ReadonlyMap<ResumeContenderName, ResumeFigures>>

interface Arena {
  readonly name: ResumeContenderName
  readonly server: Child
  readonly load: Child
  total: number
}

interface Sample extends ResumeFigures {}

export async function measureResume({
  contenders,
  clients,
  changes,
  rounds,
}: ResumeOptions): Promise<ResumeResult> {
  const folder = await mkdtemp(join(tmpdir(), 'dnr-bench-'))
  const idle = await startChild('process/idle-process.ts', [], 'server')
  const arenas: Arena[] = []
  try {
    for (const name of contenders) {
      arenas.push(await openArena(name, join(folder, `${name}.db`), clients, changes))
    }
    const result = new Map<Gap, Map<ResumeContenderName, ResumeFigures>>()
    for (const gap of ['same', 'spread'] as const) {
      const samples = new Map(arenas.map(({ name }) => [name, [] as Sample[]]))
      const missed = missedBy(clients, changes, gap)
      for (let round = 0; round <= rounds; round++) {
        for (const arena of arenas) {
          const sample = await measureRound(arena, idle, missed)
          // The first round warms up.
          if (round > 0) samples.get(arena.name)?.push(sample)
        }
      }
      result.set(gap, new Map([...samples].map(([name, list]) => [name, summarise(list)])))
    }
    return result
  } finally {
    await Promise.all([idle.close(), ...arenas.flatMap(({ server, load }) => [load.close(), server.close()])])
    await rm(folder, { recursive: true, force: true })
  }
}

async function openArena(
  name: ResumeContenderName,
  file: string,
  clients: number,
  changes: number,
): Promise<Arena> {
  const server = await startChild('resume/resume-server-process.ts', [name, file, `${changes * 2}`], 'server')
  const load = await startChild('fan-out/load-process.ts', [], 'load')
  const { port } = await server.ask<{ port: number }>({ kind: 'port' })
  await load.ask({ kind: 'connect', port, dialect: resumeContenders[name].dialect, clients })
  return { name, server, load, total: 0 }
}

async function measureRound(arena: Arena, idle: Child, missed: readonly number[]): Promise<Sample> {
  const { name, server, load } = arena
  const messages = missed.reduce((sum, count) => sum + count, 0)
  arena.total += messages
  const { texts } = await server.ask<{ texts: string[] }>({ kind: 'requests', missed })
  await Promise.all([server, idle].map((child) => child.ask({ kind: 'pauses:start' })))
  const before = await server.ask<Usage>({ kind: 'usage' })
  const startedAt = performance.now()
  const arrival = load.ask({ kind: 'arrival', total: arena.total })
  await load.ask({ kind: 'say', texts })
  await arrival
  const wallMs = performance.now() - startedAt
  const after = await server.ask<Usage>({ kind: 'usage' })
  const [pauses, idlePauses] = await Promise.all(
    [server, idle].map((child) => child.ask<Pauses>({ kind: 'pauses:stop' })),
  )
  const { received } = await load.ask<{ received: number }>({ kind: 'received' })
  if (received !== arena.total)
    throw new Error(`${name} delivered ${received} messages instead of ${arena.total}`)
  return {
    micros: (after.cpuMicros - before.cpuMicros) / messages,
    wallMs,
    grownBytes: Math.max(0, after.peakBytes - before.peakBytes),
    pauses: pauses as Pauses,
    idlePauses: idlePauses as Pauses,
  }
}

function summarise(samples: readonly Sample[]): ResumeFigures {
  const worst = (list: readonly Pauses[]): Pauses => ({
    p99: Math.max(...list.map(({ p99 }) => p99)),
    max: Math.max(...list.map(({ max }) => max)),
  })
  return {
    micros: median(samples.map(({ micros }) => micros)),
    wallMs: median(samples.map(({ wallMs }) => wallMs)),
    grownBytes: Math.max(...samples.map(({ grownBytes }) => grownBytes)),
    pauses: worst(samples.map(({ pauses }) => pauses)),
    idlePauses: worst(samples.map(({ idlePauses }) => idlePauses)),
  }
}
