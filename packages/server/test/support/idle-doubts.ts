import { createManualClock } from '@dnr/testing'
import { createDoubts, type Doubts } from '../../src/channel/doubts.ts'

/** Doubts that nobody asks about again. */
export function idleDoubts(): Doubts {
  return createDoubts({
    clock: createManualClock(),
    random: () => 0,
    policyTimeoutMs: 5_000,
    onBegun() {},
    settle: async () => {},
  })
}
