import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ContenderName } from '../contenders/contenders.ts'
import { type Child, startChild } from '../process/child.ts'
import { type AudienceName, audiences, contenderFor } from './audience.ts'

/** How changes come: each after the one before has arrived everywhere, or many in one tick. */
export interface Mode {
  readonly title: string
  readonly changesPerTick: number
  readonly ticks: number
}

export interface FanOutOptions {
  /** Who hears a change. */
  readonly audience: AudienceName
  readonly contenders: readonly ContenderName[]
  readonly subscribers: number
  /** How many processes each contender has, one after the other. */
  readonly heats: number
  /** Rounds of each heat that are not counted. */
  readonly warmUpRounds: number
  readonly rounds: number
  readonly modes: readonly Mode[]
}

/**
 * Server CPU per delivered message, in microseconds, by mode and contender: a sample for each round, those of one round at the same
 * place in each list.
 */
export type FanOutResult = ReadonlyMap<Mode, ReadonlyMap<ContenderName, readonly number[]>>

interface Arena {
  readonly name: ContenderName
  readonly server: Child
  readonly load: Child
  /** Changes made so far. */
  made: number
  /** Messages that they come to. */
  total: number
}

/**
 * In each heat every contender has a new server process and a new load process, because where a process happens to have its memory
 * moves its figure for as long as it lives. Rounds are interleaved, so that a slow minute of the machine meets all of them.
 */
export async function measureFanOut({ heats, ...options }: FanOutOptions): Promise<FanOutResult> {
  const { modes, contenders: names } = options
  const samples = new Map(modes.map((mode) => [mode, new Map(names.map((name) => [name, [] as number[]]))]))
  for (let heat = 0; heat < heats; heat++) {
    await measureHeat(options, (mode, name, micros) => samples.get(mode)?.get(name)?.push(micros))
  }
  return samples
}

async function measureHeat(
  { audience, contenders: names, subscribers, warmUpRounds, rounds, modes }: Omit<FanOutOptions, 'heats'>,
  sample: (mode: Mode, name: ContenderName, micros: number) => void,
): Promise<void> {
  const arenas: Arena[] = []
  const countDeliveries = audiences[audience].countDeliveries(subscribers)
  const folder = await mkdtemp(join(tmpdir(), 'dnr-bench-'))
  try {
    for (const name of names) arenas.push(await openArena(audience, name, subscribers, folder))
    for (let round = -warmUpRounds; round < rounds; round++) {
      for (const mode of modes) {
        for (const arena of arenas) {
          const micros = await measureRound(arena, mode, countDeliveries)
          if (round >= 0) sample(mode, arena.name, micros)
        }
      }
    }
  } finally {
    await Promise.all(arenas.flatMap(({ server, load }) => [load.close(), server.close()]))
    await rm(folder, { recursive: true, force: true })
  }
}

async function openArena(
  audience: AudienceName,
  name: ContenderName,
  clients: number,
  folder: string,
): Promise<Arena> {
  const file = join(folder, `${name}.db`)
  const { dialect, runtime } = contenderFor(audience, name)
  const server = await startChild('fan-out/server-process.ts', [audience, name, file], 'server', { runtime })
  const load = await startChild('fan-out/load-process.ts', [], 'load')
  const { port, arrivalsPort } = await server.ask<{ port: number; arrivalsPort: number }>({ kind: 'ports' })
  await load.ask({ kind: 'connect', port, dialect, clients })
  await load.ask({ kind: 'signal', port: arrivalsPort })
  return { name, server, load, made: 0, total: 0 }
}

async function measureRound(
  arena: Arena,
  mode: Mode,
  countDeliveries: (made: number, count: number) => number,
): Promise<number> {
  const cpu = async () => (await arena.server.ask<{ cpuMicros: number }>({ kind: 'cpu' })).cpuMicros
  const { total: arrivedBefore } = arena
  const { ticks, changesPerTick } = mode
  const totals = Array.from({ length: ticks }, () => {
    arena.total += countDeliveries(arena.made, changesPerTick)
    arena.made += changesPerTick
    return arena.total
  })
  await arena.load.ask({ kind: 'expect', totals })
  const before = await cpu()
  await arena.server.ask({ kind: 'run', ticks, changesPerTick })
  const spent = (await cpu()) - before
  const { received } = await arena.load.ask<{ received: number }>({ kind: 'received' })
  if (received !== arena.total)
    throw new Error(`${arena.name} delivered ${received} messages instead of ${arena.total}`)
  return spent / (arena.total - arrivedBefore)
}
