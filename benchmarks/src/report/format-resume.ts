import type { Gap } from '../resume/gap.ts'
import { type ResumeContenderName, resumeContenders } from '../resume/resume-contender.ts'
import type { ResumeFigures, ResumeResult } from '../resume/resume.ts'
import { formatTable, type Judged, judgedCells, judgedHead } from './table.ts'

const TITLES: Readonly<Record<Gap, string>> = {
  same: 'everybody missed the same',
  spread: 'everybody missed another stretch',
}

/** A table for each kind of gap, then what the budgets speak of. */
export function formatResume(
  { figures, others }: ResumeResult,
  { isJudged }: { readonly isJudged: boolean },
): string {
  const tables = [...figures].map(([gap, byName]) =>
    formatTable([
      [
        TITLES[gap],
        'µs per message',
        '÷ naive',
        'ms',
        'MB more',
        'pause p99 ms',
        'max',
        'max of an idle process',
      ],
      ...[...byName].map(([name, each]) => figureCells(name, each, byName.get('ws-query'))),
    ]),
  )
  const judged = [...figures].flatMap(([gap, byName]) => [...judgedOf(gap, byName), ...waitsOf(gap, others)])
  return [
    ...tables,
    formatTable([judgedHead(isJudged), ...judged.map((each) => judgedCells(each, isJudged))]),
  ].join('\n\n')
}

function figureCells(
  name: ResumeContenderName,
  { micros, wallMs, grownBytes, pauses, idlePauses }: ResumeFigures,
  naive: ResumeFigures | undefined,
): string[] {
  return [
    resumeContenders[name].title,
    micros.toFixed(3),
    naive === undefined ? '–' : (micros / naive.micros).toFixed(3),
    wallMs.toFixed(0),
    (grownBytes / 2 ** 20).toFixed(0),
    pauses.p99.toFixed(1),
    pauses.max.toFixed(1),
    idlePauses.max.toFixed(1),
  ]
}

function judgedOf(gap: Gap, byName: ReadonlyMap<ResumeContenderName, ResumeFigures>): Judged[] {
  const [dnr, naive, floor] = [byName.get('dnr'), byName.get('ws-query'), byName.get('floor')]
  if (dnr === undefined) return []
  const title = TITLES[gap]
  const times = (peer: string): string => `${title}: times cheaper than ${peer}`
  const cheaper = { value: (naive?.micros ?? Number.NaN) / dnr.micros, atLeast: gap === 'same' ? 40 : 5 }
  return [
    ...(naive === undefined ? [] : [{ title: times('naive'), ...cheaper }]),
    ...(floor === undefined ? [] : [{ title: `${title}: DNR ÷ floor`, value: dnr.micros / floor.micros }]),
    { title: `${title}: pause p99, ms`, value: dnr.pauses.p99, atMost: 20 },
    {
      title: `${title}: longest pause beyond an idle process, ms`,
      value: dnr.pauses.max - dnr.idlePauses.max,
      atMost: 50,
    },
  ]
}

/** The budget is DNR's; beside it stands a server that does nothing but read who asks. */
function waitsOf(gap: Gap, others: ResumeResult['others']): Judged[] {
  return [...others].map(([name, { quiet, meanwhile }]) => ({
    title: `${TITLES[gap]}: p99 of the others ÷ before (${quiet.toFixed(0)} µs), ${resumeContenders[name].title}`,
    value: meanwhile[gap] / quiet,
    ...(name === 'dnr' ? { atMost: 2 } : {}),
  }))
}
