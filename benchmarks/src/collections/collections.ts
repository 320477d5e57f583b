import { type Child, startChild } from '../process/child.ts'
import { median } from '../report/median.ts'
import { type ShelfName, shelves } from './shelf.ts'

export interface CollectionsOptions {
  readonly rows: number
  readonly rounds: number
  /** Changes of a round, by how long one of them takes. */
  readonly changes: Readonly<Record<ShelfName, number>>
}

/** CPU microseconds; medians of the rounds. */
export interface CollectionFigures {
  /** From the rows to all of them readable. */
  readonly opening: number
  /** One optimistic update and its confirmation. */
  readonly change: number
}

/** With and without a filtered and sorted view kept. */
export type CollectionsResult = ReadonlyMap<'plain' | 'view', ReadonlyMap<ShelfName, CollectionFigures>>

/** A process for each contender, as a page is one, without the others' garbage; rounds of the contenders are interleaved. */
export async function measureCollections({
  rows,
  rounds,
  changes,
}: CollectionsOptions): Promise<CollectionsResult> {
  const names = Object.keys(shelves) as ShelfName[]
  const pages = new Map<ShelfName, Child>()
  const ask = async (message: { readonly kind: string; readonly shelf: ShelfName }): Promise<number> =>
    (await (pages.get(message.shelf) as Child).ask<{ micros: number }>(message)).micros
  try {
    for (const name of names)
      pages.set(name, await startChild('collections/collections-process.ts', [], 'server'))
    const result = new Map<'plain' | 'view', Map<ShelfName, CollectionFigures>>()
    for (const kind of ['plain', 'view'] as const) {
      const samples = new Map(
        names.map((name) => [name, { opening: [] as number[], change: [] as number[] }]),
      )
      for (let round = 0; round <= rounds; round++) {
        for (const [shelf, { opening, change }] of samples) {
          const asked = { shelf, isView: kind === 'view', rows, changes: changes[shelf] }
          const micros = [
            await ask({ kind: 'open', ...asked }),
            await ask({ kind: 'changes', ...asked }),
          ] as const
          // The first round warms up.
          if (round === 0) continue
          opening.push(micros[0])
          change.push(micros[1])
        }
      }
      const medians = [...samples].map(
        ([name, { opening, change }]) =>
          [name, { opening: median(opening), change: median(change) }] as const,
      )
      result.set(kind, new Map(medians))
    }
    return result
  } finally {
    await Promise.all([...pages.values()].map((page) => page.close()))
  }
}
