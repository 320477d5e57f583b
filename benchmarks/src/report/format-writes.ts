import { writeContenders, type WriteContenderName } from '../writes/write-contenders.ts'
import type { WriteMode, WritesResult } from '../writes/writes.ts'
import { formatTable, type Judged, judgedCells, judgedHead } from './table.ts'

/** Microseconds per write, then what the budgets speak of. */
export function formatWrites(result: WritesResult, { isJudged }: { readonly isJudged: boolean }): string {
  const names = Object.keys(writeContenders) as WriteContenderName[]
  const writeModes = [...result.micros.keys()]
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
    ...(writeModes.some(({ syncMicros }) => syncMicros > 0)
      ? []
      : ['Left out: a slower disk. Needs Linux and a C compiler, `cc`.']),
    formatTable([judgedHead(isJudged), ...ratios.map((each) => judgedCells(each, isJudged))]),
    `Of 32 writes of one commit, one of which cannot be stored: ${stored} stored, ${failed} failed.`,
  ].join('\n\n')
}

function titleOf({ synchronous, operation, syncMicros }: WriteMode): string {
  const disk = syncMicros === 0 ? '' : `, ${syncMicros / 1_000} ms a sync`
  return `${synchronous.toUpperCase()} ${operation}${disk}`
}
