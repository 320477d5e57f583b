import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ContenderName, contenders } from '../contenders/contenders.ts'
import { type Child, startChild } from '../process/child.ts'

/** How changes come: each after the one before has arrived everywhere, or a handful in one tick. */
export interface Mode {
  readonly title: string
  readonly changesPerTick: number
  readonly ticks: number
}

export interface FanOutOptions {
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
  { contenders: names, subscribers, warmUpRounds, rounds, modes }: Omit<FanOutOptions, 'heats'>,
  sample: (mode: Mode, name: ContenderName, micros: number) => void,
): Promise<void> {
  const arenas: Arena[] = []
  const folder = await mkdtemp(join(tmpdir(), 'dnr-bench-'))
  try {
    for (const name of names) arenas.push(await openArena(name, subscribers, folder))
    for (let round = -warmUpRounds; round < rounds; round++) {
      for (const mode of modes) {
        for (const arena of arenas) {
          const micros = await measureRound(arena, mode, subscribers)
          if (round >= 0) sample(mode, arena.name, micros)
        }
      }
    }
  } finally {
    await Promise.all(arenas.flatMap(({ server, load }) => [load.close(), server.close()]))
    await rm(folder, { recursive: true, force: true })
  }
}

async function openArena(name: ContenderName, clients: number, folder: string): Promise<Arena> {
  const server = await startChild('fan-out/server-process.ts', [name, join(folder, `${name}.db`)], 'server')
  const load = await startChild('fan-out/load-process.ts', [], 'load')
  const { port } = await server.ask<{ port: number }>({ kind: 'port' })
  await load.ask({ kind: 'connect', port, dialect: contenders[name].dialect, clients })
  return { name, server, load, total: 0 }
}

async function measureRound(arena: Arena, mode: Mode, subscribers: number): Promise<number> {
  const cpu = async () => (await arena.server.ask<{ cpuMicros: number }>({ kind: 'cpu' })).cpuMicros
  const before = await cpu()
  for (let tick = 0; tick < mode.ticks; tick++) {
    arena.total += mode.changesPerTick * subscribers
    const arrival = arena.load.ask({ kind: 'arrival', total: arena.total })
    await arena.server.ask({ kind: 'publish', count: mode.changesPerTick })
    await arrival
  }
  const spent = (await cpu()) - before
  const { received } = await arena.load.ask<{ received: number }>({ kind: 'received' })
  if (received !== arena.total)
    throw new Error(`${arena.name} delivered ${received} messages instead of ${arena.total}`)
  return spent / (mode.ticks * mode.changesPerTick * subscribers)
}
