import { openingContenders } from '../opening/opening-contenders.ts'
import type { OpeningResult } from '../opening/opening.ts'
import { formatTable, type Judged, judgedCells, judgedHead } from './table.ts'

/** What sending all rows costs, and how long it keeps everybody else waiting. */
export function formatOpening(
  result: OpeningResult,
  rows: number,
  { isJudged }: { readonly isJudged: boolean },
): string {
  const figures = formatTable([
    [`${rows} rows`, 'µs per row', 'ms', 'pause p99 ms', 'max', 'max of an idle process'],
    ...[...result].map(([name, { micros, wallMs, pauses, idlePauses }]) => [
      openingContenders[name].title,
      micros.toFixed(2),
      ...[wallMs, pauses.p99, pauses.max, idlePauses.max].map((each) => each.toFixed(1)),
    ]),
  ])
  const dnr = result.get('dnr')
  if (dnr === undefined) return figures
  const { pauses, idlePauses } = dnr
  const judged: Judged[] = [
    { title: 'pause p99, ms', value: pauses.p99, atMost: 20 },
    { title: 'longest pause beyond an idle process, ms', value: pauses.max - idlePauses.max, atMost: 50 },
  ]
  return [
    figures,
    formatTable([judgedHead(isJudged), ...judged.map((each) => judgedCells(each, isJudged))]),
  ].join('\n\n')
}
