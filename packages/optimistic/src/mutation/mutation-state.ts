// The life of one mutation. Pure: the queue performs what a new state asks for. Next: mutation-queue.ts.
//
//              ┌─────────────────────┐
//              ▼                     │
//   ─────▶ queued ────▶ sending ────▶ waiting
//            │             │             │
//            ├─────────────┼─────────────┴──▶ acked ────▶ synced
//            └─────────────┴─────────────┴──▶ failed
//
// `acked` comes by the answer or the echo, whichever is first: an echo says that the write was stored though its answer is
// late or lost. What comes after acked, synced or failed (a second answer, a late refusal) changes nothing.

export type MutationPhase = 'queued' | 'sending' | 'waiting' | 'acked' | 'synced' | 'failed'

export interface MutationState {
  readonly status: MutationPhase
  /** How often the write was postponed. */
  readonly attempt: number
}

/** What may follow. */
const NEXT: Readonly<Record<MutationPhase, readonly MutationPhase[]>> = {
  queued: ['sending', 'acked', 'failed'],
  sending: ['waiting', 'acked', 'failed'],
  waiting: ['queued', 'acked', 'failed'],
  acked: ['synced'],
  synced: [],
  failed: [],
}

/** The state in phase `next`; the same object when that may not follow. */
export function enter(state: MutationState, next: MutationPhase): MutationState {
  if (!NEXT[state.status].includes(next)) return state
  return { status: next, attempt: state.attempt + (next === 'waiting' ? 1 : 0) }
}
