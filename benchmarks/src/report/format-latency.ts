import type { Latency, LatencyResult } from '../latency/latency.ts'
import { formatTable, verdict } from './table.ts'

/** Both sides, and whether DNR's p50 and p99 are no worse than the peer's. */
export function formatLatency(
  result: ReadonlyMap<string, LatencyResult>,
  { isJudged }: { readonly isJudged: boolean },
): string {
  const row = (title: string, { p50, p99 }: Latency) => [title, p50.toFixed(0), p99.toFixed(0)]
  const [dnr, peer] = [result.get('dnr'), result.get('socket.io')]
  if (dnr === undefined || peer === undefined) return ''
  const judgement = [
    '  budget: no worse than socket.io',
    verdict(dnr.fromAnswer.p50, peer.fromAnswer.p50),
    verdict(dnr.fromAnswer.p99, peer.fromAnswer.p99),
  ]
  return formatTable([
    ['µs', 'p50', 'p99'],
    row('socket.io, emitted → shown', peer.fromAnswer),
    row('DNR, write answered → shown', dnr.fromAnswer),
    ...(isJudged ? [judgement] : []),
    row('DNR, write called → shown (commit included)', dnr.fromCall),
  ])
}
