// A block of the log as one group gets it: who begins within it gets the end of what others get of the whole, in the same
// bytes. Holds what was made of one block; history-reader.ts keeps it while somebody reads.
import type { FrameRun } from '../ports/server-socket.ts'
import type { ChangeView } from './change-view.ts'
import { inRuns, withoutFirst } from './frame-runs.ts'
import {
  differsFromShown,
  type Event,
  framesByTransaction,
  hidesRows,
  type ReplayOptions,
} from './replay-page.ts'
import type { Group } from './subscription.ts'

export interface BlockReplay {
  readonly runs: readonly FrameRun[]
  /** One for each frame. */
  readonly events: readonly Event[]
  /** How many frames come before those of a change, by its place in the block; at the end, how many there are. */
  readonly framesBefore: Uint16Array
  /** As in `ReplayPage`. */
  readonly isApart: boolean
}

/**
 * `null`: what a reader is told depends on where they begin. So it is when rows of the block are hidden by now (only who
 * had them is told), and when transactions of it overlap.
 */
export function replayBlock(
  group: Group,
  views: readonly ChangeView[],
  options: ReplayOptions & { readonly maxRunBytes: number },
): BlockReplay | null {
  if (hidesRows(group, views, options) || overlap(views)) return null
  const framesBefore = new Uint16Array(views.length + 1)
  const events: Event[] = []
  for (const [place, view] of views.entries()) {
    framesBefore[place] = events.length
    // Asked once: a rule that fails in between must not make the places and the frames differ.
    const outcome = view.outcome(group)
    if (outcome !== null) events.push({ view, outcome })
  }
  framesBefore[views.length] = events.length
  const runs = inRuns(framesByTransaction(group, events), options.maxRunBytes)
  return { runs, events, framesBefore, isApart: differsFromShown(group, views) }
}

/** What is sent to somebody who begins at the change in this place. */
export function replayFrom(
  { runs, events, framesBefore, isApart }: BlockReplay,
  place: number,
): Pick<BlockReplay, 'runs' | 'events' | 'isApart'> {
  const before = framesBefore[place] as number
  return { runs: withoutFirst(runs, before), events: before === 0 ? events : events.slice(before), isApart }
}

function overlap(views: readonly ChangeView[]): boolean {
  const begun = new Set<number>()
  let current: number | null = null
  for (const { change } of views) {
    if (change.transaction === current) continue
    if (begun.has(change.transaction)) return true
    begun.add(change.transaction)
    current = change.transaction
  }
  return false
}
