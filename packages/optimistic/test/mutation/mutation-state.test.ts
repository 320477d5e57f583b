import { describe, expect, test } from 'vitest'
import { enter, type MutationPhase } from '../../src/mutation/mutation-state.ts'

// false: it stays the very same state.
const table: Record<MutationPhase, Record<MutationPhase, boolean>> = {
  queued: { queued: false, sending: true, waiting: false, acked: true, synced: false, failed: true },
  sending: { queued: false, sending: false, waiting: true, acked: true, synced: false, failed: true },
  waiting: { queued: true, sending: false, waiting: false, acked: true, synced: false, failed: true },
  acked: { queued: false, sending: false, waiting: false, acked: false, synced: true, failed: false },
  synced: { queued: false, sending: false, waiting: false, acked: false, synced: false, failed: false },
  failed: { queued: false, sending: false, waiting: false, acked: false, synced: false, failed: false },
}

describe.each(Object.keys(table) as MutationPhase[])('%s', (status) => {
  test.each(Object.entries(table[status]))('may be followed by %s: %s', (phase, isNext) => {
    const state = { status, attempt: 2 }
    const next = enter(state, phase as MutationPhase)
    if (isNext) expect(next).toEqual({ status: phase, attempt: phase === 'waiting' ? 3 : 2 })
    else expect(next).toBe(state)
  })
})
