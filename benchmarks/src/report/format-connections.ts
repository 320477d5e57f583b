import { type ConnectionsResult, type CrowdName, crowds } from '../connections/connections.ts'
import { median } from './median.ts'
import { formatTable, judgedCells, judgedHead } from './table.ts'

/** Further subscriptions of a connection that has eleven. */
const FURTHER = 10

/** Kilobytes of each connection, and what the budgets say. */
export function formatConnections(
  result: ConnectionsResult,
  { isJudged }: { readonly isJudged: boolean },
): string {
  const bytesOf = (name: CrowdName, kind: 'heapBytes' | 'residentBytes'): number =>
    median((result.get(name) ?? []).map((held) => held[kind]))
  const heapOf = (name: CrowdName): number => bytesOf(name, 'heapBytes')
  const sizes = (Object.keys(crowds) as CrowdName[]).map((name) => [
    crowds[name].title,
    (heapOf(name) / 1_024).toFixed(2),
    (bytesOf(name, 'residentBytes') / 1_024).toFixed(2),
  ])
  const judged = [
    { title: 'one subscription ÷ ws', value: heapOf('dnr') / heapOf('ws'), atMost: 1.1 },
    {
      title: 'each further subscription, bytes',
      value: (heapOf('dnr-eleven') - heapOf('dnr')) / FURTHER,
      atMost: 400,
    },
  ].map((each) => judgedCells(each, isJudged))
  return [
    formatTable([['each connection', 'KB on the heap', 'KB resident'], ...sizes]),
    formatTable([judgedHead(isJudged), ...judged]),
  ].join('\n\n')
}
