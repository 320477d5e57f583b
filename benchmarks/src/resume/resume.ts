import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, startChild } from '../process/child.ts'
import { type Pauses, worstPauses } from '../process/event-loop.ts'
import type { Usage } from '../process/usage.ts'
import { median, quantile } from '../report/median.ts'
import { type Gap, missedBy } from './gap.ts'
import { type ResumeContenderName, resumeContenders } from './resume-contender.ts'

export interface ResumeOptions {
  readonly contenders: readonly ResumeContenderName[]
  readonly clients: number
  /** How many changes each client missed, on average. */
  readonly changes: number
  readonly rounds: number
  /** Rounds before that, at most. */
  readonly warmUpRounds: number
  /** How long the others are listened to while nobody resumes. */
  readonly quietMs: number
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

export interface ResumeResult {
  readonly figures: ReadonlyMap<Gap, ReadonlyMap<ResumeContenderName, ResumeFigures>>
  /** What those who do not resume wait for, by the server that answers them. */
  readonly others: ReadonlyMap<ResumeContenderName, OthersWait>
}

/** Microseconds from question to answer of clients that do not resume, p99. */
export interface OthersWait {
  readonly quiet: number
  readonly meanwhile: Readonly<Record<Gap, number>>
}

interface Arena {
  readonly name: ResumeContenderName
  readonly server: Child
  readonly load: Child
  /** Those who do not resume. */
  readonly healthy: Child | null
  readonly latencies: Record<Gap, number[]>
  total: number
}

interface Sample extends ResumeFigures {
  readonly cpuMicros: number
}

/**
 * Servers run for days: what the engine has not compiled yet is nobody's figure. Each contender is asked for whole rounds before
 * it is measured, until its server has had this CPU time, or for `warmUpRounds`: by then next to nothing is compiled any more.
 */
const WARM_UP_MICROS = 6_000_000
/** How long a round of a server takes that only reads who asks. */
const READING_MS = 300

export async function measureResume({
  contenders,
  clients,
  changes,
  rounds,
  warmUpRounds,
  quietMs,
}: ResumeOptions): Promise<ResumeResult> {
  const folder = await mkdtemp(join(tmpdir(), 'dnr-bench-'))
  const idle = await startChild('process/idle-process.ts', [], 'server')
  const arenas: Arena[] = []
  try {
    for (const name of contenders) {
      arenas.push(await openArena(name, join(folder, `${name}.db`), clients, changes))
    }
    const quiet = new Map<ResumeContenderName, number>()
    for (const { name, healthy } of arenas) {
      if (healthy === null) continue
      quiet.set(name, quantile((await listenMeanwhile(healthy, () => sleep(quietMs))).latencies, 0.99))
    }
    const figures = new Map<Gap, Map<ResumeContenderName, ResumeFigures>>()
    for (const gap of ['same', 'spread'] as const) {
      const samples = new Map(arenas.map(({ name }) => [name, [] as Sample[]]))
      const missed = missedBy(clients, changes, gap)
      for (const arena of arenas) await warmUp(arena, idle, missed, warmUpRounds)
      for (let round = 0; round < rounds; round++) {
        for (const arena of inOrder(arenas)) {
          const measured = await listenMeanwhile(arena.healthy, () => measureRound(arena, idle, missed))
          samples.get(arena.name)?.push(measured.result)
          arena.latencies[gap].push(...measured.latencies)
        }
      }
      const replaying = [...samples].filter(([name]) => resumeContenders[name].replays)
      figures.set(gap, new Map(replaying.map(([name, list]) => [name, summarise(list)])))
    }
    return { figures, others: othersOf(arenas, quiet) }
  } finally {
    const children = [idle, ...arenas.flatMap(({ server, load, healthy }) => [load, server, healthy])]
    await Promise.all(children.filter((child) => child !== null).map((child) => child.close()))
    await rm(folder, { recursive: true, force: true })
  }
}

async function warmUp(arena: Arena, idle: Child, missed: readonly number[], rounds: number): Promise<void> {
  let cpuMicros = 0
  for (let round = 0; round < rounds && cpuMicros < WARM_UP_MICROS; round++)
    cpuMicros += (await measureRound(arena, idle, missed)).cpuMicros
}

/** The quick ones after each that takes seconds: so they have more samples, each of a server that has been idle for as long. */
function inOrder(arenas: readonly Arena[]): readonly Arena[] {
  const isSlow = ({ name }: Arena): boolean => resumeContenders[name].isSlow
  const quick = arenas.filter((arena) => !isSlow(arena))
  const slow = arenas.filter(isSlow)
  return slow.length === 0 ? quick : slow.flatMap((arena) => [arena, ...quick])
}

/** What clients that do not resume wait for their answers while something is measured. */
async function listenMeanwhile<Result>(
  healthy: Child | null,
  measure: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly latencies: number[] }> {
  if (healthy === null) return { result: await measure(), latencies: [] }
  await healthy.ask({ kind: 'begin' })
  const result = await measure()
  const { latencies } = await healthy.ask<{ latencies: number[] }>({ kind: 'end' })
  return { result, latencies }
}

function othersOf(
  arenas: readonly Arena[],
  quiet: ReadonlyMap<ResumeContenderName, number>,
): ReadonlyMap<ResumeContenderName, OthersWait> {
  const listened = arenas.filter(({ healthy }) => healthy !== null)
  const waitOf = ({ name, latencies: { same, spread } }: Arena): OthersWait => ({
    quiet: quiet.get(name) ?? Number.NaN,
    meanwhile: { same: quantile(same, 0.99), spread: quantile(spread, 0.99) },
  })
  return new Map(listened.map((arena) => [arena.name, waitOf(arena)]))
}

async function openArena(
  name: ResumeContenderName,
  file: string,
  clients: number,
  changes: number,
): Promise<Arena> {
  const server = await startChild('resume/resume-server-process.ts', [name, file, `${changes * 2}`], 'server')
  const load = await startChild('fan-out/load-process.ts', [], 'load', { niceness: 10 })
  const { port } = await server.ask<{ port: number }>({ kind: 'port' })
  const { dialect, answersPings } = resumeContenders[name]
  await load.ask({ kind: 'connect', port, dialect, clients })
  const healthy = answersPings ? await startChild('resume/healthy-process.ts', [], 'load') : null
  await healthy?.ask({ kind: 'connect', port })
  return { name, server, load, healthy, latencies: { same: [], spread: [] }, total: 0 }
}

async function measureRound(arena: Arena, idle: Child, missed: readonly number[]): Promise<Sample> {
  const { name, server, load } = arena
  const { replays } = resumeContenders[name]
  const messages = replays ? missed.reduce((sum, count) => sum + count, 0) : 0
  arena.total += messages
  const { texts } = await server.ask<{ texts: string[] }>({ kind: 'requests', missed })
  await Promise.all([server, idle].map((child) => child.ask({ kind: 'pauses:start' })))
  const before = await server.ask<Usage>({ kind: 'usage' })
  const startedAt = performance.now()
  const arrival = load.ask({ kind: 'arrival', total: arena.total })
  await load.ask({ kind: 'say', texts })
  await arrival
  if (!replays) await sleep(READING_MS)
  const wallMs = performance.now() - startedAt
  const after = await server.ask<Usage>({ kind: 'usage' })
  const [pauses, idlePauses] = await Promise.all(
    [server, idle].map((child) => child.ask<Pauses>({ kind: 'pauses:stop' })),
  )
  const { received } = await load.ask<{ received: number }>({ kind: 'received' })
  if (received !== arena.total)
    throw new Error(`${name} delivered ${received} messages instead of ${arena.total}`)
  const cpuMicros = after.cpuMicros - before.cpuMicros
  return {
    cpuMicros,
    micros: cpuMicros / messages,
    wallMs,
    grownBytes: Math.max(0, after.peakBytes - before.peakBytes),
    pauses: pauses as Pauses,
    idlePauses: idlePauses as Pauses,
  }
}

function summarise(samples: readonly Sample[]): ResumeFigures {
  return {
    micros: median(samples.map(({ micros }) => micros)),
    wallMs: median(samples.map(({ wallMs }) => wallMs)),
    grownBytes: Math.max(...samples.map(({ grownBytes }) => grownBytes)),
    pauses: worstPauses(samples.map(({ pauses }) => pauses)),
    idlePauses: worstPauses(samples.map(({ idlePauses }) => idlePauses)),
  }
}
