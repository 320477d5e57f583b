import { describe, expect, test } from 'vitest'
import { type MutationEvent, type MutationPhase, transition } from '../../src/mutation/mutation-state.ts'

// '=' stays the very same state.
const table: Record<MutationPhase, Record<MutationEvent, MutationPhase | '='>> = {
  queued: {
    started: 'sending',
    postponed: '=',
    resumed: '=',
    stored: 'acked',
    passed: '=',
    refused: 'failed',
  },
  sending: {
    started: '=',
    postponed: 'waiting',
    resumed: '=',
    stored: 'acked',
    passed: '=',
    refused: 'failed',
  },
  waiting: {
    started: '=',
    postponed: '=',
    resumed: 'queued',
    stored: 'acked',
    passed: '=',
    refused: 'failed',
  },
  acked: { started: '=', postponed: '=', resumed: '=', stored: '=', passed: 'synced', refused: '=' },
  synced: { started: '=', postponed: '=', resumed: '=', stored: '=', passed: '=', refused: '=' },
  failed: { started: '=', postponed: '=', resumed: '=', stored: '=', passed: '=', refused: '=' },
}

describe.each(Object.keys(table) as MutationPhase[])('%s', (status) => {
  test.each(Object.keys(table.queued) as MutationEvent[])('%s', (event) => {
    const state = { status, attempt: 2 }
    const expected = table[status][event]
    const next = transition(state, event)
    if (expected === '=') expect(next).toBe(state)
    else expect(next).toEqual({ status: expected, attempt: event === 'postponed' ? 3 : 2 })
  })
})
