import { writeContenders, type WriteContenderName } from '../writes/write-contenders.ts'
import { type WriteMode, writeModes, type WritesResult } from '../writes/writes.ts'
import { formatTable, type Judged, judgedCells, judgedHead } from './table.ts'

/** Microseconds per write, then what the budgets speak of. */
export function formatWrites(result: WritesResult, { isJudged }: { readonly isJudged: boolean }): string {
  const names = Object.keys(writeContenders) as WriteContenderName[]
  const micros = (mode: WriteMode, name: WriteContenderName) =>
    result.micros.get(mode)?.get(name) ?? Number.NaN
  const figures = formatTable([
    ['µs per write', ...writeModes.map(titleOf)],
    ...names.map((name) => [
      writeContenders[name].title,
      ...writeModes.map((mode) => micros(mode, name).toFixed(0)),
    ]),
  ])
  const ratios: Judged[] = writeModes.flatMap((mode) => [
    {
      title: `${titleOf(mode)}: alone ÷ by hand, row and log entry`,
      value: micros(mode, 'dnr') / micros(mode, 'hand-log'),
      atMost: 1.6,
    },
    {
      title: `${titleOf(mode)}: alone ÷ by hand, with the record as well`,
      value: micros(mode, 'dnr') / micros(mode, 'hand'),
    },
    {
      title: `${titleOf(mode)}: the floor ÷ by hand, row and log entry`,
      value: micros(mode, 'floor') / micros(mode, 'hand-log'),
    },
    {
      title: `${titleOf(mode)}: Kysely transaction ÷ alone`,
      value: micros(mode, 'kysely') / micros(mode, 'dnr'),
      atLeast: 3,
    },
    ...(mode.synchronous === 'full'
      ? [
          {
            title: `${titleOf(mode)}: alone ÷ 32 at once`,
            value: micros(mode, 'dnr') / micros(mode, 'dnr-32'),
            atLeast: 10,
          },
          {
            title: `${titleOf(mode)}: the floor alone ÷ 32 at once`,
            value: micros(mode, 'floor') / micros(mode, 'floor-32'),
          },
        ]
      : []),
  ])
  const { stored, failed } = result.oneFailing
  return [
    figures,
    formatTable([judgedHead(isJudged), ...ratios.map((each) => judgedCells(each, isJudged))]),
    `Of 32 writes of one commit, one of which cannot be stored: ${stored} stored, ${failed} failed.`,
  ].join('\n\n')
}

function titleOf({ synchronous, operation }: WriteMode): string {
  return `${synchronous.toUpperCase()} ${operation}`
}
