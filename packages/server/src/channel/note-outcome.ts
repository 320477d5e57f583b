// What a change means to a group, kept in mind where the group's rights may have to be held against it. Comes from
// deliver-transaction.ts and passing-transaction.ts.
import type { Change } from '@dnr/protocol'
import { type ChangeView, placeOf } from './change-view.ts'
import type { Outcome } from './outcome.ts'
import { isAhead, passReadings, tellOfRow } from './rows-ahead.ts'
import { hideRow, isShown, type ShownRows, showRow } from './shown-rows.ts'
import type { Group } from './subscription.ts'

/** What a change means to a group, which is kept in mind. */
export function noteOutcome(group: Group, view: ChangeView): Outcome | null {
  const { shown } = group
  const outcome = view.outcome(group)
  if (shown === null) return outcome
  const { id, operation } = view.change
  const result = outcome ?? (isTakenAway(shown, view.change) ? 'left' : null)
  if (result === 'left' || operation === 'deleted') hideRow(shown, id)
  else if (result !== null) showRow(shown, id)
  if (result !== null) tellOfRow(shown, id)
  passReadings(shown, placeOf(view.change))
  return result
}

/** A rule that reads more than the row may by now hide what it once showed. */
export function isTakenAway(shown: ShownRows, change: Change): boolean {
  return isShown(shown, change.id) && !isAhead(shown, change.id, placeOf(change))
}
