import { type Child, startChild } from '../process/child.ts'
import { median } from '../report/median.ts'
import { type ShelfName, shelves } from './shelf.ts'

export interface CollectionsOptions {
  readonly rows: number
  readonly rounds: number
  /** Processes that open once. */
  readonly pages: number
  /** The changes of a page whose code nothing has optimised yet. */
  readonly firstChanges: number
  /** CPU time of the changes before the first round, the same for every contender. */
  readonly warmUpMs: number
  /** CPU time of the changes of a round. */
  readonly roundMs: number
}

/** CPU microseconds; medians of the rounds. */
export interface CollectionFigures {
  /** From the rows to all of them readable, the first time in a process, as a page does. */
  readonly firstOpening: number
  /** The same in the process that makes the changes, between them. */
  readonly opening: number
  /** One optimistic update and its confirmation, among the first of a page. */
  readonly firstChange: number
  /** The same when the page has run for a while. */
  readonly change: number
}

type Kind = 'plain' | 'view'

/** What a page is asked, beside what it is asked of. */
type Question =
  | { readonly kind: 'open' }
  | { readonly kind: 'firstChanges'; readonly changes: number }
  | { readonly kind: 'changes'; readonly forMs: number }

/** With and without a filtered and sorted view kept. */
export type CollectionsResult = ReadonlyMap<Kind, ReadonlyMap<ShelfName, CollectionFigures>>

const names = Object.keys(shelves) as ShelfName[]

export async function measureCollections(options: CollectionsOptions): Promise<CollectionsResult> {
  const result = new Map<Kind, ReadonlyMap<ShelfName, CollectionFigures>>()
  for (const kind of ['plain', 'view'] as const) result.set(kind, await measureKind(kind, options))
  return result
}

/** A process for each contender, as a page is one, without the others' garbage; rounds of the contenders are interleaved. */
async function measureKind(
  kind: Kind,
  { rows, rounds, pages: newPages, firstChanges, warmUpMs, roundMs }: CollectionsOptions,
): Promise<ReadonlyMap<ShelfName, CollectionFigures>> {
  const pages = new Map<ShelfName, Child>()
  const startPage = async (name: ShelfName): Promise<void> => {
    const options = { ownOptions: ['--expose-gc'] }
    pages.set(name, await startChild('collections/collections-process.ts', [], 'server', options))
  }
  const ask = async (name: ShelfName, message: Question): Promise<number> => {
    const asked = { shelf: name, isView: kind === 'view', rows, ...message }
    return (await (pages.get(name) as Child).ask<{ micros: number }>(asked)).micros
  }
  const samples = new Map(
    names.map((name) => [
      name,
      { firstOpening: [] as number[], opening: [] as number[], firstChange: 0, change: [] as number[] },
    ]),
  )
  try {
    for (let page = 0; page < newPages; page++) {
      for (const [name, { firstOpening }] of samples) {
        await startPage(name)
        firstOpening.push(await ask(name, { kind: 'open' }))
        await pages.get(name)?.close()
      }
    }
    for (const [name, sample] of samples) {
      await startPage(name)
      await ask(name, { kind: 'open' })
      sample.firstChange = await ask(name, { kind: 'firstChanges', changes: firstChanges })
      await ask(name, { kind: 'changes', forMs: warmUpMs })
    }
    for (let round = 0; round < rounds; round++) {
      for (const [name, { opening, change }] of samples) {
        opening.push(await ask(name, { kind: 'open' }))
        change.push(await ask(name, { kind: 'changes', forMs: roundMs }))
      }
    }
  } finally {
    await Promise.all([...pages.values()].map((page) => page.close()))
  }
  return new Map(
    [...samples].map(([name, { firstOpening, opening, firstChange, change }]) => [
      name,
      {
        firstOpening: median(firstOpening),
        opening: median(opening),
        firstChange,
        change: median(change),
      },
    ]),
  )
}
