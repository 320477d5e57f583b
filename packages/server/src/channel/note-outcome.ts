// What a change means to a group, kept in mind where the group's rights may have to be held against it. Comes from
// deliver-transaction.ts and passing-transaction.ts.
import type { Change } from '@dnr/protocol'
import { type ChangeView, placeOf } from './change-view.ts'
import { type Doubt, isDoubted } from './doubt.ts'
import type { Outcome } from './outcome.ts'
import { isAhead, passReadings, tellOfRow } from './rows-ahead.ts'
import { hideRow, isShown, noteTaken, type ShownRows, showRow } from './shown-rows.ts'
import type { Group } from './subscription.ts'

/** What a change means to a group, which is kept in mind. */
export function noteOutcome(group: Group, view: ChangeView): Outcome | null {
  const { shown } = group
  const outcome = view.outcome(group)
  if (shown === null || shown.isUnheard) return outcome
  const { id, operation } = view.change
  const isTaken = outcome === null && isTakenAway(shown, view.change, group.doubt)
  if (isTaken) noteTaken(shown, view.change.position)
  const result = isTaken ? 'left' : outcome
  if (result === 'left' || operation === 'deleted') hideRow(shown, id)
  else if (result !== null) showRow(shown, id)
  if (result !== null) tellOfRow(shown, id)
  passReadings(shown, placeOf(view.change), group.doubt)
  return result
}

/** Does the change take a row away of which the log says nothing? To be asked of the one that was noted last. */
export function isTakenBy({ shown }: Group, { position }: Change): boolean {
  return shown?.takenAt === position
}

/**
 * A rule that reads more than the row may by now hide what it once showed. Of those who have read a row that the others have not heard
 * of, only a rule that failed says nothing: then nobody would tell them that it has gone.
 */
function isTakenAway(shown: ShownRows, change: Change, doubt: Doubt | null): boolean {
  const { id } = change
  return isShown(shown, id) && (!isAhead(shown, id, placeOf(change)) || isDoubted(doubt, id))
}
