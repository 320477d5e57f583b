import type { FaultCounts } from './faults.ts'

export interface StormResult {
  /** What is wrong, one sentence each. */
  readonly violations: readonly string[]
  readonly counts: StormCounts
}

export interface StormCounts {
  readonly kills: number
  /** SIGSTOPs of the server. */
  readonly pauses: number
  readonly faults: FaultCounts
  readonly connections: number
  /** Over HTTP, repeated ones too. */
  readonly requests: number
  readonly acknowledged: number
  readonly refused: number
  /** Writes that were given up unanswered. */
  readonly unknown: number
  readonly answeredLater: number
  readonly twins: number
  readonly bulkTransactions: number
  /** Entries of the log. */
  readonly changes: number
  readonly eventsHeard: number
  readonly resumes: number
  /** From the last fault until everybody was live. */
  readonly liveAfterMs: number
  /** From the last write until everybody had everything. */
  readonly currentAfterMs: number
}

const WORDS = ['lost', 'doubled', 'out of order', 'torn', 'two meanings', 'late'] as const

/** A few lines for people: what happened, and what came of it. */
export function formatStorm(seed: number, { violations, counts }: StormResult): string {
  const { faults } = counts
  const faultCount = Object.values(faults).reduce((sum, count) => sum + count, 0)
  const found = WORDS.map(
    (word) => `${violations.filter((each) => each.includes(`${word}:`)).length} ${word}`,
  )
  return [
    `seed ${seed}: ${counts.kills} × SIGKILL, ${counts.pauses} × SIGSTOP, ${faultCount} faults on ${counts.connections} connections`,
    `  faults: ${Object.entries(faults)
      .map(([kind, count]) => `${count} ${kind}`)
      .join(', ')}`,
    `  writes: ${counts.requests} requests; ${counts.acknowledged} acknowledged (${counts.answeredLater} only when asked again, ${counts.twins} twice at once), ${counts.refused} refused, ${counts.unknown} unknown; ${counts.bulkTransactions} transactions of another process`,
    `  log: ${counts.changes} changes; ${counts.eventsHeard} events heard, ${counts.resumes} resumes; everybody live after ${counts.liveAfterMs} ms, current after ${counts.currentAfterMs} ms`,
    `  ${violations.length} violations: ${found.join(', ')}`,
    ...violations.slice(0, 30).map((each) => `  ✗ ${each}`),
  ].join('\n')
}
