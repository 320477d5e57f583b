// What a channel does above its limit. Holds its changes until the end of a short window; then each record of them is told
// once, from how it was before the first change to how it is after the last. Comes from deliver-transaction.ts, and goes
// back there: it sends nothing.
//
//   within the limit ─too many at once▶ holding ─end of the window, or somebody comes▶ within the limit
//
// Who begins or ends to read the log must find nothing held back: whoever is asked for a position flushes first.
import type { Change, Clock, Position } from '@dnr/protocol'
import { createPace, owePace, paceInMs, takePace } from '../limits/pace.ts'
import type { ChannelEntry } from './subscription.ts'

/** The changes of one record that stand for each other, in log order. */
export type RecordChanges = readonly Change[]

/** A channel's changes since it went above the limit. */
export interface Held {
  readonly changesByRecord: Map<string, Change[]>
  /** All of them, in the order of their last changes, and those of rows that have ended since. */
  readonly records: Set<Change[]>
  /** Everything of the log up to here has been told; `null`: nothing of the log is held back. */
  toldTo: Position | null
  readonly cancelTimer: () => void
}

export interface Conflation {
  /** `true`: they are kept, and told at the end of the window. Whole transactions of one channel. */
  keeps(entry: ChannelEntry, changes: readonly Change[]): boolean
  /** Tells at once what a channel holds back; harmless when it is nothing. */
  flush(entry: ChannelEntry): void
}

export interface ConflationOptions {
  /** Changes per second of one channel that are told one by one. */
  readonly maxPerSecond: number
  readonly clock: Clock
  /** The records, in the order of their last changes. Never throws. */
  tell(entry: ChannelEntry, records: readonly RecordChanges[]): void
}

/** A window lasts until what was sent is within the limit again, but so long at least and at most. */
const MIN_WINDOW_MS = 50
const MAX_WINDOW_MS = 1_000

export function createConflation({ maxPerSecond, clock, tell }: ConflationOptions): Conflation {
  const hold = (entry: ChannelEntry): Held => {
    const owedMs = entry.pace === null ? 0 : paceInMs(entry.pace, maxPerSecond, 0)
    const windowMs = Math.min(Math.max(owedMs, MIN_WINDOW_MS), MAX_WINDOW_MS)
    const cancelTimer = clock.setTimeout(() => flush(entry), windowMs)
    return { changesByRecord: new Map(), records: new Set(), toldTo: null, cancelTimer }
  }

  const flush = (entry: ChannelEntry): void => {
    const { held } = entry
    if (held === null) return
    entry.held = null
    held.cancelTimer()
    const records = [...held.records]
    if (entry.pace !== null) owePace(entry.pace, maxPerSecond, records.length, clock.monotonic())
    tell(entry, records)
  }

  return {
    keeps(entry, changes) {
      if (maxPerSecond === Number.POSITIVE_INFINITY) return false
      const now = clock.monotonic()
      entry.pace ??= createPace(maxPerSecond, now)
      if (entry.held === null && takePace(entry.pace, maxPerSecond, changes.length, now)) return false
      entry.held ??= hold(entry)
      entry.held.toldTo ??= placeBefore(changes)
      for (const change of changes) keep(entry.held, change)
      return true
    },
    flush,
  }
}

function placeBefore(changes: readonly Change[]): Position | null {
  const first = changes.find(({ unlogged }) => unlogged !== true)?.position
  return first === undefined ? null : { epoch: first.epoch, offset: first.offset - 1 }
}

/** To the end of its record, and the record to the end of all: the order is that of the last changes. */
function keep({ changesByRecord, records }: Held, change: Change): void {
  const known = changesByRecord.get(change.id)
  const changes = known === undefined || isAnotherRow(known, change) ? [] : known
  changes.push(change)
  changesByRecord.set(change.id, changes)
  records.delete(changes)
  records.add(changes)
}

/**
 * Made under the id of one that has ended, and its versions do not go on from there, as after a trim: to who knows the former it
 * would be nothing new.
 */
function isAnotherRow(known: RecordChanges, change: Change): boolean {
  const last = known.at(-1)
  return last?.after === null && change.before === null && change.version <= last.version
}

/** One change that takes a record from where the first found it to where the last left it. */
export function mergeChanges(changes: RecordChanges): Change {
  const [first, last] = [changes[0], changes.at(-1)] as [Change, Change]
  const { before } = first
  const operation = last.after === null ? 'deleted' : before === null ? 'created' : 'updated'
  return { ...last, before, operation }
}
