// From what came over the wire to what a client may believe: whole snapshots and whole transactions, in order.
import type { HeardEvent, JournalEntry, Place, Row } from './evidence.ts'

/** What of a journal counts, and what was wrong with it on its face. */
export interface Reading {
  /** Where it began; the changes after it had to come. */
  readonly from: number
  /** Everything up to here has come. */
  readonly to: number
  /** The rows it began with; `null`: it asked for none. */
  readonly snapshot: readonly Row[] | null
  /** Transactions in order. */
  readonly transactions: readonly (readonly HeardEvent[])[]
  /** Each time it came back: where it stood, and when it was answered. */
  readonly resumes: readonly { readonly after: number; readonly at: number }[]
  readonly complaints: readonly string[]
}

interface State {
  from: number | null
  position: Place | null
  /** Asked for, not answered yet. */
  asked: Place | null
  isDeaf: boolean
  snapshot: readonly Row[] | null
  open: HeardEvent[]
  transactions: HeardEvent[][]
  resumes: { after: number; at: number }[]
  complaints: string[]
}

/** Reads a journal from its beginning. A log that keeps everything must never send anybody back to the start. */
export function readJournal(journal: readonly JournalEntry[]): Reading {
  const state: State = {
    from: null,
    position: null,
    asked: null,
    isDeaf: true,
    snapshot: null,
    open: [],
    transactions: [],
    resumes: [],
    complaints: [],
  }
  for (const entry of journal) step(state, entry)
  const { snapshot, transactions, resumes, complaints } = state
  if (state.from === null) complaints.push('never began')
  return {
    from: state.from ?? 0,
    to: state.position?.offset ?? 0,
    snapshot,
    transactions,
    resumes,
    complaints,
  }
}

function step(state: State, entry: JournalEntry): void {
  switch (entry.kind) {
    case 'asked':
      state.asked = entry.position
      return
    case 'lost':
      // Half a transaction does not count, and comes again.
      state.open = []
      state.isDeaf = true
      return
    case 'subscribed':
      return begin(state, entry)
    case 'event':
      return hear(state, entry.event)
    case 'reached':
      if (state.isDeaf || state.open.length > 0 || state.position === null) return
      if (entry.position.offset > state.position.offset) state.position = entry.position
  }
}

function begin(state: State, entry: Extract<JournalEntry, { kind: 'subscribed' }>): void {
  state.isDeaf = false
  state.open = []
  if (entry.recovered) {
    if (state.asked === null) return void state.complaints.push('recovered without having been anywhere')
    state.resumes.push({ after: state.asked.offset, at: entry.at })
    return
  }
  if (state.position !== null)
    state.complaints.push(`was sent back to the start from ${state.position.offset}, which the log holds`)
  state.from ??= entry.position.offset
  state.position = entry.position
  state.snapshot = entry.rows
  state.resumes.push({ after: entry.position.offset, at: entry.at })
}

function hear(state: State, event: HeardEvent): void {
  const { offset } = event.position
  if (state.isDeaf) return void state.complaints.push(`got the event at ${offset} before it was subscribed`)
  const last = state.open.at(-1)?.position.offset ?? state.position?.offset ?? 0
  if (offset === last) return void state.complaints.push(`doubled: got the event at ${offset} again`)
  if (offset < last)
    return void state.complaints.push(`out of order: got the event at ${offset} after ${last}`)
  state.open.push(event)
  if (event.more === true) return
  state.transactions.push(state.open)
  state.open = []
  state.position = event.position
}
