// One change as its readers get it: rows decoded once, each kind of frame encoded once, whatever the number of groups.
import { type Change, type Position, type RowCodec, type WireRow, matchesWhere } from '@dnr/protocol'
import type { Grant } from '../policy/grant.ts'
import type { Frame } from '../ports/server-socket.ts'
import { groupSees } from './doubt.ts'
import { eventFrame } from './event-frame.ts'
import { Memo } from './memo.ts'
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
  return new PreparedChange(change, codec, now, conflated)
}

/** A class, because there are as many as there are changes: closures for each cost more than what they remember. */
class PreparedChange implements ChangeView {
  readonly change: Change
  readonly #codec: RowCodec
  readonly #now: number
  readonly #conflated: number
  #before: unknown
  #after: unknown
  readonly #frames = new Memo<Frame>()
  readonly #rowTexts = new Memo<string>()

  constructor(change: Change, codec: RowCodec, now: number, conflated: number) {
    this.change = change
    this.#codec = codec
    this.#now = now
    this.#conflated = conflated
  }

  outcome(group: Group): Outcome | null {
    return outcomeOf(this.change.operation, this.sawBefore(group), this.seesAfter(group))
  }

  sawBefore(group: Group): boolean {
    const { before } = this.change
    if (!isAskedFor(group, before)) return false
    return groupSees(group, this.change.id, (this.#before ??= this.#codec.decode(before)))
  }

  seesAfter(group: Group): boolean {
    const { after } = this.change
    if (!isAskedFor(group, after)) return false
    return groupSees(group, this.change.id, (this.#after ??= this.#codec.decode(after)))
  }

  frame(group: Group, outcome: Outcome, more: boolean): Frame {
    const grant = group.grant as Grant
    const variant = `${outcome}${more ? '+' : ' '}${group.channel.name} ${group.subscription ?? ''} ${grant.fieldsKey}`
    return this.#frames.get(variant) ?? this.#frames.keep(variant, this.#encode(group, outcome, more))
  }

  #encode(group: Group, outcome: Outcome, more: boolean): Frame {
    const { change } = this
    const payload = this.#payload(group.grant as Grant, outcome)
    const event = { outcome, payload, position: placeOf(change), mutationId: change.mutationId, more }
    return eventFrame(group, { ...event, conflated: this.#conflated }, this.#now)
  }

  #payload(grant: Grant, outcome: Outcome): string {
    const { id, version } = this.change
    if (outcome === 'left') return JSON.stringify({ id })
    if (outcome === 'deleted') return JSON.stringify({ id, version })
    const { fieldsKey } = grant
    const row = this.change.after as WireRow
    return this.#rowTexts.get(fieldsKey) ?? this.#rowTexts.keep(fieldsKey, JSON.stringify(grant.redact(row)))
  }
}

/** May a group see a row, as far as its query says? */
export function isAskedFor({ grant, where }: Group, row: WireRow | null): row is WireRow {
  return row !== null && grant !== null && (where === null || matchesWhere(row, where))
}

/** Where it stands in the log; `null` when it is in none. */
export function placeOf({ position, unlogged }: Change): Position | null {
  return unlogged === true ? null : position
}
