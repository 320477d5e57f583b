import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startChild } from '../process/child.ts'
import { type Pauses, worstPauses } from '../process/event-loop.ts'
import type { Usage } from '../process/usage.ts'
import { median } from '../report/median.ts'
import { type OpeningContenderName, openingContenders } from './opening-contenders.ts'

export interface OpeningOptions {
  readonly rows: number
  readonly rounds: number
  /** Rounds before that: what the engine has not compiled yet is nobody's figure. */
  readonly warmUpRounds: number
}

/** What it took a server to send all rows to one client. */
export interface OpeningFigures {
  /** Server CPU per row. */
  readonly micros: number
  readonly wallMs: number
  readonly pauses: Pauses
  readonly idlePauses: Pauses
}

export type OpeningResult = ReadonlyMap<OpeningContenderName, OpeningFigures>

export async function measureOpening({ rows, rounds, warmUpRounds }: OpeningOptions): Promise<OpeningResult> {
  const folder = await mkdtemp(join(tmpdir(), 'dnr-bench-'))
  const children = []
  try {
    const idle = await startChild('process/idle-process.ts', [], 'server')
    children.push(idle)
    const samples = new Map<OpeningContenderName, OpeningFigures[]>()
    const arenas = []
    for (const name of Object.keys(openingContenders) as OpeningContenderName[]) {
      const file = join(folder, `${name}.db`)
      const server = await startChild('opening/opening-server-process.ts', [name, file, `${rows}`], 'server')
      const client = await startChild('opening/opening-client-process.ts', [], 'load')
      children.push(server, client)
      await client.ask({ kind: 'connect', ...(await server.ask<{ port: number }>({ kind: 'port' })) })
      arenas.push({ name, server, client })
      samples.set(name, [])
    }
    for (let round = 0; round < warmUpRounds + rounds; round++) {
      for (const { name, server, client } of arenas) {
        for (const child of [server, idle]) await child.ask({ kind: 'pauses:start' })
        const before = await server.ask<Usage>({ kind: 'usage' })
        const startedAt = performance.now()
        const opened = await client.ask<{ rows: number }>({ kind: 'open' })
        const wallMs = performance.now() - startedAt
        const after = await server.ask<Usage>({ kind: 'usage' })
        const pauses = await server.ask<Pauses>({ kind: 'pauses:stop' })
        const idlePauses = await idle.ask<Pauses>({ kind: 'pauses:stop' })
        if (opened.rows !== rows) throw new Error(`${name} sent ${opened.rows} rows instead of ${rows}`)
        const micros = (after.cpuMicros - before.cpuMicros) / rows
        if (round >= warmUpRounds) samples.get(name)?.push({ micros, wallMs, pauses, idlePauses })
      }
    }
    return new Map([...samples].map(([name, list]) => [name, summarise(list)]))
  } finally {
    await Promise.all(children.map((child) => child.close()))
    await rm(folder, { recursive: true, force: true })
  }
}

function summarise(samples: readonly OpeningFigures[]): OpeningFigures {
  return {
    micros: median(samples.map(({ micros }) => micros)),
    wallMs: median(samples.map(({ wallMs }) => wallMs)),
    pauses: worstPauses(samples.map(({ pauses }) => pauses)),
    idlePauses: worstPauses(samples.map(({ idlePauses }) => idlePauses)),
  }
}
