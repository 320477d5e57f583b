// One change as its readers get it: rows decoded once, each kind of frame encoded once, whatever the number of groups.
import { type Change, type Position, type RowCodec, type WireRow, matchesWhere } from '@dnr/protocol'
import type { Grant } from '../policy/grant.ts'
import type { Frame } from '../ports/server-socket.ts'
import { groupSees } from './doubt.ts'
import { eventFrame } from './event-frame.ts'
import { createMemo } from './memo.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import type { Group } from './subscription.ts'

/** A change under delivery. */
export interface ChangeView {
  readonly change: Change
  /** What it means to a group. */
  outcome(group: Group): Outcome | null
  /** Did the group see the row as it was before? */
  sawBefore(group: Group): boolean
  /** Does the group see the row as the change leaves it? */
  seesAfter(group: Group): boolean
  /** The event. Equal for groups that differ in their rule alone. `more`: another event of the transaction follows. */
  frame(group: Group, outcome: Outcome, more: boolean): Frame
}

/** Prepares a change; `now` is the time that its frames carry, `conflated` the number of changes that it stands for. */
export function viewChange(change: Change, codec: RowCodec, now: number, conflated = 1): ChangeView {
  const frameOfVariant = createMemo<Frame>()
  const rowTextOf = createMemo<string>()
  let typedBefore: unknown
  let typedAfter: unknown

  const sees = (group: Group, wire: WireRow | null, typed: () => unknown): boolean => {
    if (wire === null || group.grant === null) return false
    return (group.where === null || matchesWhere(wire, group.where)) && groupSees(group, change.id, typed())
  }
  const before = (): unknown => (typedBefore ??= codec.decode(change.before as WireRow))
  const after = (): unknown => (typedAfter ??= codec.decode(change.after as WireRow))
  const sawBefore = (group: Group): boolean => sees(group, change.before, before)
  const seesAfter = (group: Group): boolean => sees(group, change.after, after)

  const rowText = (grant: Grant): string =>
    rowTextOf(grant.fieldsKey, () => JSON.stringify(grant.redact(change.after as WireRow)))

  return {
    change,
    outcome: (group) => outcomeOf(change.operation, sawBefore(group), seesAfter(group)),
    sawBefore,
    seesAfter,
    frame(group, outcome, more) {
      const grant = group.grant as Grant
      const variant = `${outcome}${more ? '+' : ' '}${group.channel.name} ${group.subscription ?? ''} ${grant.fieldsKey}`
      return frameOfVariant(variant, () => {
        const payload = payloadText(change, outcome, () => rowText(grant))
        const { mutationId } = change
        const position = placeOf(change)
        return eventFrame(group, { outcome, payload, position, mutationId, conflated, more }, now)
      })
    },
  }
}

/** Where it stands in the log; `null` when it is in none. */
export function placeOf({ position, unlogged }: Change): Position | null {
  return unlogged === true ? null : position
}

function payloadText({ id, version }: Change, outcome: Outcome, rowText: () => string): string {
  if (outcome === 'left') return JSON.stringify({ id })
  return outcome === 'deleted' ? JSON.stringify({ id, version }) : rowText()
}
