import type { ContenderName } from '../contenders/contenders.ts'

/** What a contender may cost at most beside a peer in the same run. */
export interface Budget {
  readonly contender: ContenderName
  readonly peer: ContenderName
  readonly changesPerTick: number
  /** `ratio`: a share of the peer's figure; `micros`: microseconds beyond it. */
  readonly atMost: { readonly ratio: number } | { readonly micros: number }
}

/** Of a thousand subscribers; {@link fanOutBudgets}. */
const budgetsOfThousand: readonly Budget[] = [
  { contender: 'dnr-10-groups', peer: 'dnr', changesPerTick: 1, atMost: { ratio: 1.3 } },
  { contender: 'dnr-own-rules', peer: 'dnr', changesPerTick: 1, atMost: { micros: 3 } },
  { contender: 'dnr', peer: 'ws', changesPerTick: 16, atMost: { ratio: 0.08 } },
  { contender: 'dnr', peer: 'socket.io', changesPerTick: 16, atMost: { ratio: 1 / 14 } },
  // Bun's server is µWebSockets, which the budget names and npm does not have.
  { contender: 'dnr', peer: 'bun', changesPerTick: 16, atMost: { ratio: 1.35 } },
  { contender: 'dnr-10-groups', peer: 'dnr', changesPerTick: 16, atMost: { ratio: 1.3 } },
  { contender: 'dnr-own-rules', peer: 'dnr', changesPerTick: 16, atMost: { micros: 3 } },
]

/**
 * CPU per delivered message, channels, policies and envelopes included. A rule of one's own compares two strings: its own
 * time is in the figure.
 */
export function fanOutBudgets(subscribers: number): readonly Budget[] {
  const atMost = { ratio: subscribers < 5_000 ? 0.8 : 0.9 }
  return [
    { contender: 'dnr', peer: 'ws', changesPerTick: 1, atMost },
    { contender: 'dnr', peer: 'socket.io', changesPerTick: 1, atMost },
    ...(subscribers === 1_000 ? budgetsOfThousand : []),
  ]
}

/** The same where each client listens to records of its own. */
export const recordBudgets: readonly Budget[] = [
  { contender: 'dnr', peer: 'ws', changesPerTick: 512, atMost: { ratio: 0.6 } },
  { contender: 'dnr', peer: 'socket.io', changesPerTick: 512, atMost: { ratio: 0.45 } },
]
