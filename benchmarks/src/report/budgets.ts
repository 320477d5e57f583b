import type { ContenderName } from '../contenders/contenders.ts'

/** What a contender may cost at most, as a share of a peer in the same run. */
export interface Budget {
  readonly contender: ContenderName
  readonly peer: ContenderName
  readonly changesPerTick: number
  readonly atMost: number
}

/** CPU per delivered message, channels, policies (one group) and envelopes included. */
export const fanOutBudgets: readonly Budget[] = [
  { contender: 'dnr', peer: 'ws', changesPerTick: 1, atMost: 0.8 },
  { contender: 'dnr', peer: 'socket.io', changesPerTick: 1, atMost: 0.8 },
  { contender: 'dnr-10-groups', peer: 'dnr', changesPerTick: 1, atMost: 1.3 },
  { contender: 'dnr', peer: 'ws', changesPerTick: 16, atMost: 0.08 },
  { contender: 'dnr', peer: 'socket.io', changesPerTick: 16, atMost: 1 / 14 },
  { contender: 'dnr-10-groups', peer: 'dnr', changesPerTick: 16, atMost: 1.3 },
]
