import { type ContenderName, contenders } from '../contenders/contenders.ts'
import type { FanOutResult, Mode } from '../fan-out/fan-out.ts'
import type { Budget } from './budgets.ts'
import { formatTable, verdict } from './table.ts'

/** A table for each mode: microseconds, the ratio to each peer, and the budget beside it. */
export function formatFanOut(result: FanOutResult, budgets: readonly Budget[]): string {
  return [...result].map(([mode, micros]) => formatMode(mode, micros, budgets)).join('\n\n')
}

const peers: readonly ContenderName[] = ['ws', 'socket.io', 'dnr']

function formatMode(
  mode: Mode,
  micros: ReadonlyMap<ContenderName, number>,
  budgets: readonly Budget[],
): string {
  const rows = [...micros].map(([name, value]) => [
    contenders[name].title,
    value.toFixed(2),
    ...peers.flatMap((peer) => ratioCells(mode, name, peer, value, micros.get(peer), budgets)),
  ])
  return formatTable([
    [mode.title, 'µs', '÷ ws', 'budget', '', '÷ socket.io', 'budget', '', '÷ DNR', 'budget', ''],
    ...rows,
  ])
}

function ratioCells(
  mode: Mode,
  name: ContenderName,
  peer: ContenderName,
  value: number,
  peerValue: number | undefined,
  budgets: readonly Budget[],
): string[] {
  if (peerValue === undefined) return ['–', '', '']
  const budget = budgets.find(
    (each) => each.contender === name && each.peer === peer && each.changesPerTick === mode.changesPerTick,
  )
  return [
    (value / peerValue).toFixed(3),
    ...(budget === undefined ? ['', ''] : budgetCells(budget, value, peerValue)),
  ]
}

function budgetCells({ atMost }: Budget, value: number, peerValue: number): string[] {
  if ('ratio' in atMost) return [`≤ ${atMost.ratio.toFixed(3)}`, verdict(value / peerValue, atMost.ratio)]
  return [`≤ 1 + ${atMost.micros} µs`, verdict(value - peerValue, atMost.micros)]
}
