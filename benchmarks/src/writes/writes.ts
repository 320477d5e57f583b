import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startChild } from '../process/child.ts'
import { median } from '../report/median.ts'
import { buildSlowSync } from './slow-sync.ts'
import { writeContenders, type WriteContenderName, type WriteOperation } from './write-contenders.ts'
import type { Synchronous } from './writer.ts'

export interface WritesOptions {
  readonly rounds: number
  /** Commits of a round. */
  readonly commits: (mode: WriteMode) => number
}

/** One column of the table. */
export interface WriteMode {
  readonly synchronous: Synchronous
  readonly operation: WriteOperation
  /** How long a sync takes at least; `0`: as long as the disk of this machine takes. */
  readonly syncMicros: number
}

export interface WritesResult {
  /** Median microseconds per write, by mode and contender; modes that this machine cannot measure are missing. */
  readonly micros: ReadonlyMap<WriteMode, ReadonlyMap<WriteContenderName, number>>
  /** Of 32 writes in one commit, one of which cannot be stored. */
  readonly oneFailing: { readonly stored: number; readonly failed: number }
}

/** What the disk took on which the budgets were measured: 419 µs of an insert on FULL, 32 on NORMAL. */
const SLOW_SYNC_MICROS = 400

const writeModes: readonly WriteMode[] = (
  [
    { synchronous: 'normal', syncMicros: 0 },
    { synchronous: 'full', syncMicros: 0 },
    { synchronous: 'full', syncMicros: SLOW_SYNC_MICROS },
  ] as const
).flatMap((disk) => (['create', 'update'] as const).map((operation) => ({ ...disk, operation })))

/** One process for each disk writes for all contenders, each into a file of its own; their rounds are interleaved. */
export async function measureWrites({ rounds, commits }: WritesOptions): Promise<WritesResult> {
  const folder = await mkdtemp(join(tmpdir(), 'dnr-bench-'))
  const slowSync = buildSlowSync(folder)
  const modes = writeModes.filter(({ syncMicros }) => syncMicros === 0 || slowSync !== null)
  const names = Object.keys(writeContenders) as WriteContenderName[]
  const child = await startChild('writes/writes-process.ts', [folder], 'server')
  const slowChild =
    slowSync === null
      ? null
      : await startChild('writes/writes-process.ts', [join(folder, 'slow')], 'server', {
          variables: { LD_PRELOAD: slowSync, SYNC_MICROS: `${SLOW_SYNC_MICROS}` },
        })
  try {
    const samples = new Map(modes.map((mode) => [mode, new Map(names.map((name) => [name, [] as number[]]))]))
    for (let round = 0; round <= rounds; round++) {
      for (const [mode, byName] of samples) {
        for (const [contender, list] of byName) {
          const asked = { kind: 'round', contender, ...mode, commits: commits(mode) }
          const writer = mode.syncMicros > 0 && slowChild !== null ? slowChild : child
          const { micros } = await writer.ask<{ micros: number }>(asked)
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
    await slowChild?.close()
    await rm(folder, { recursive: true, force: true })
  }
}
