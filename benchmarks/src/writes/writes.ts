import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startChild } from '../process/child.ts'
import { median } from '../report/median.ts'
import { writeContenders, type WriteContenderName, type WriteOperation } from './write-contenders.ts'
import type { Synchronous } from './writer.ts'

export interface WritesOptions {
  readonly rounds: number
  /** Commits of a round, by how hard they press onto the disk. */
  readonly commits: Readonly<Record<Synchronous, number>>
}

/** One column of the table. */
export interface WriteMode {
  readonly synchronous: Synchronous
  readonly operation: WriteOperation
}

export interface WritesResult {
  /** Median microseconds per write, by mode and contender. */
  readonly micros: ReadonlyMap<WriteMode, ReadonlyMap<WriteContenderName, number>>
  /** Of 32 writes in one commit, one of which cannot be stored. */
  readonly oneFailing: { readonly stored: number; readonly failed: number }
}

export const writeModes: readonly WriteMode[] = (['normal', 'full'] as const).flatMap((synchronous) =>
  (['create', 'update'] as const).map((operation) => ({ synchronous, operation })),
)

/** One process writes for all contenders, each into a file of its own; their rounds are interleaved. */
export async function measureWrites({ rounds, commits }: WritesOptions): Promise<WritesResult> {
  const folder = await mkdtemp(join(tmpdir(), 'dnr-bench-'))
  const names = Object.keys(writeContenders) as WriteContenderName[]
  const child = await startChild('writes/writes-process.ts', [folder], 'server')
  try {
    const samples = new Map(
      writeModes.map((mode) => [mode, new Map(names.map((name) => [name, [] as number[]]))]),
    )
    for (let round = 0; round <= rounds; round++) {
      for (const [mode, byName] of samples) {
        for (const [contender, list] of byName) {
          const asked = { kind: 'round', contender, ...mode, commits: commits[mode.synchronous] }
          const { micros } = await child.ask<{ micros: number }>(asked)
          // The first round warms up.
          if (round > 0) list.push(micros)
        }
      }
    }
    const oneFailing = await child.ask<WritesResult['oneFailing']>({ kind: 'failing' })
    const medians = [...samples].map(
      ([mode, byName]) => [mode, new Map([...byName].map(([name, list]) => [name, median(list)]))] as const,
    )
    return { micros: new Map(medians), oneFailing }
  } finally {
    await child.close()
    await rm(folder, { recursive: true, force: true })
  }
}
