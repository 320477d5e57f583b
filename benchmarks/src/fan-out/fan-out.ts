import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ContenderName, contenders } from '../contenders/contenders.ts'
import { type Child, startChild } from '../process/child.ts'
import { median } from '../report/median.ts'

/** How changes come: each after the one before has arrived everywhere, or a handful in one tick. */
export interface Mode {
  readonly title: string
  readonly changesPerTick: number
  readonly ticks: number
}

export interface FanOutOptions {
  readonly contenders: readonly ContenderName[]
  readonly subscribers: number
  readonly rounds: number
  readonly modes: readonly Mode[]
}

/** Median server CPU per delivered message, in microseconds, by mode and contender. */
export type FanOutResult = ReadonlyMap<Mode, ReadonlyMap<ContenderName, number>>

interface Arena {
  readonly name: ContenderName
  readonly server: Child
  readonly load: Child
  total: number
}

/**
 * Every contender has a server process and a load process of its own for the whole run; rounds are interleaved, so that
 * a slow minute of the machine meets all of them.
 */
export async function measureFanOut({
  contenders: names,
  subscribers,
  rounds,
  modes,
}: FanOutOptions): Promise<FanOutResult> {
  const arenas: Arena[] = []
  const folder = await mkdtemp(join(tmpdir(), 'dnr-bench-'))
  try {
    for (const name of names) arenas.push(await openArena(name, subscribers, folder))
    const samples = new Map(modes.map((mode) => [mode, new Map(names.map((name) => [name, [] as number[]]))]))
    for (let round = 0; round <= rounds; round++) {
      for (const mode of modes) {
        for (const arena of arenas) {
          const micros = await measureRound(arena, mode, subscribers)
          // The first round warms up.
          if (round > 0) samples.get(mode)?.get(arena.name)?.push(micros)
        }
      }
    }
    return new Map(
      [...samples].map(([mode, byName]) => [
        mode,
        new Map([...byName].map(([name, list]) => [name, median(list)])),
      ]),
    )
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
