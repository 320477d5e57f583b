// The life of one mutation. Pure: the queue performs what a new state asks for. Next: mutation-queue.ts.
//
//              ┌───────resumed───────┐
//              ▼                     │
//   ─────▶ queued ──started▶ sending ──postponed▶ waiting
//            │                 │                    │
//            ├──────stored─────┼───────stored───────┴──▶ acked ──passed▶ synced
//            └──────refused────┴──────refused (waiting too) ──▶ failed
//
// `stored` is the answer or the echo, whichever is first: an echo says that the write was stored though its answer is
// late or lost. What comes after acked, synced or failed (a second answer, a late refusal) changes nothing.

export type MutationPhase = 'queued' | 'sending' | 'waiting' | 'acked' | 'synced' | 'failed'

export interface MutationState {
  readonly status: MutationPhase
  /** How often the write was postponed. */
  readonly attempt: number
}

export type MutationEvent = 'started' | 'postponed' | 'resumed' | 'stored' | 'passed' | 'refused'

const whatever = { stored: 'acked', refused: 'failed' } as const

const NEXT: { readonly [Status in MutationPhase]?: { readonly [Event in MutationEvent]?: MutationPhase } } = {
  queued: { started: 'sending', ...whatever },
  sending: { postponed: 'waiting', ...whatever },
  waiting: { resumed: 'queued', ...whatever },
  acked: { passed: 'synced' },
}

/** The state after `event`; the same object when the event does not count in this state. */
export function transition(state: MutationState, event: MutationEvent): MutationState {
  const status = NEXT[state.status]?.[event]
  return status ? { status, attempt: state.attempt + (event === 'postponed' ? 1 : 0) } : state
}
