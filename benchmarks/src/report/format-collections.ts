import type { CollectionFigures, CollectionsResult } from '../collections/collections.ts'
import { type ShelfName, shelves } from '../collections/shelf.ts'
import { formatTable, type Judged, judgedCells, judgedHead } from './table.ts'

/** What rows cost a page, then what the budgets speak of. */
export function formatCollections(
  result: CollectionsResult,
  { isJudged }: { readonly isJudged: boolean },
): string {
  const [plain, view] = [result.get('plain'), result.get('view')]
  if (plain === undefined || view === undefined) return ''
  const columns = [plain, view].flatMap((byName) => [
    (name: ShelfName) => byName.get(name)?.firstOpening ?? Number.NaN,
    (name: ShelfName) => byName.get(name)?.opening ?? Number.NaN,
    (name: ShelfName) => byName.get(name)?.firstChange ?? Number.NaN,
    (name: ShelfName) => byName.get(name)?.change ?? Number.NaN,
  ])
  const names = Object.keys(shelves) as ShelfName[]
  const figures = formatTable([
    [
      'µs of CPU',
      'first opening',
      'opening',
      'first changes',
      'a change',
      'first of a view',
      'opening a view',
      'first changes of it',
      'a change',
    ],
    ...names.map((name) => [
      shelves[name].title,
      ...columns.map((column) => column(name).toFixed(column(name) < 100 ? 1 : 0)),
    ]),
  ])
  const times = (
    byName: ReadonlyMap<ShelfName, CollectionFigures>,
    figure: keyof CollectionFigures,
    peer: ShelfName,
  ): number => (byName.get(peer)?.[figure] ?? Number.NaN) / (byName.get('dnr')?.[figure] ?? Number.NaN)
  const judged: Judged[] = [
    { title: 'a change: times faster than the array', value: times(plain, 'change', 'array'), atLeast: 150 },
    {
      title: 'a change: times faster than TanStack DB',
      value: times(plain, 'change', 'tanstack'),
      atLeast: 20,
    },
    {
      title: 'a change of a view: times faster than TanStack DB',
      value: times(view, 'change', 'tanstack'),
      atLeast: 10,
    },
    {
      title: 'first opening: times faster than TanStack DB',
      value: times(plain, 'firstOpening', 'tanstack'),
      atLeast: 10,
    },
    {
      title: 'opening: times faster than TanStack DB',
      value: times(plain, 'opening', 'tanstack'),
      atLeast: 10,
    },
    {
      title: 'first opening of a view: times faster than TanStack DB',
      value: times(view, 'firstOpening', 'tanstack'),
      atLeast: 10,
    },
    {
      title: 'opening a view: times faster than TanStack DB',
      value: times(view, 'opening', 'tanstack'),
      atLeast: 10,
    },
  ]
  return [
    figures,
    formatTable([judgedHead(isJudged), ...judged.map((each) => judgedCells(each, isJudged))]),
  ].join('\n\n')
}
