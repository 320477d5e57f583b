import type { ContenderName } from '../contenders/contenders.ts'
import { type AudienceName, contenderFor } from '../fan-out/audience.ts'
import type { FanOutResult, Mode } from '../fan-out/fan-out.ts'
import type { Budget } from './budgets.ts'
import { median } from './median.ts'
import { formatTable, verdict } from './table.ts'

/**
 * A table for each mode: the median microseconds, the median ratio to each peer, and the budget beside it. A ratio is that of
 * one round, whose minute both have shared; the machine's speed may be another one in the next.
 */
export function formatFanOut(
  result: FanOutResult,
  budgets: readonly Budget[],
  audience: AudienceName = 'all',
): string {
  return [...result]
    .map(([mode, samples]) =>
      formatMode(mode, samples, budgets, (name) => contenderFor(audience, name).title),
    )
    .join('\n\n')
}

const peerHeadings: ReadonlyMap<ContenderName, string> = new Map([
  ['ws', '÷ ws'],
  ['socket.io', '÷ socket.io'],
  ['bun', '÷ Bun'],
  ['dnr', '÷ DNR'],
])

function formatMode(
  mode: Mode,
  samples: ReadonlyMap<ContenderName, readonly number[]>,
  budgets: readonly Budget[],
  titleOf: (name: ContenderName) => string,
): string {
  const peers = [...samples].filter(([name]) => peerHeadings.has(name))
  const rows = [...samples].map(([name, micros]) => [
    titleOf(name),
    median(micros).toFixed(2),
    ...peers.flatMap(([peer, peerMicros]) => ratioCells(mode, name, peer, micros, peerMicros, budgets)),
  ])
  const headings = peers.flatMap(([peer]) => [peerHeadings.get(peer) ?? '', 'budget', ''])
  return formatTable([[mode.title, 'µs', ...headings], ...rows])
}

function ratioCells(
  mode: Mode,
  name: ContenderName,
  peer: ContenderName,
  micros: readonly number[],
  peerMicros: readonly number[],
  budgets: readonly Budget[],
): string[] {
  const overRounds = (compare: (own: number, other: number) => number): number =>
    median(micros.map((own, round) => compare(own, peerMicros[round] ?? Number.NaN)))
  const ratio = overRounds((own, other) => own / other)
  const budget = budgets.find(
    (each) => each.contender === name && each.peer === peer && each.changesPerTick === mode.changesPerTick,
  )
  if (budget === undefined) return [ratio.toFixed(3), '', '']
  const { atMost } = budget
  return 'ratio' in atMost
    ? [ratio.toFixed(3), `≤ ${atMost.ratio.toFixed(3)}`, verdict(ratio, atMost.ratio)]
    : [
        ratio.toFixed(3),
        `≤ 1 + ${atMost.micros} µs`,
        verdict(
          overRounds((own, other) => own - other),
          atMost.micros,
        ),
      ]
}
