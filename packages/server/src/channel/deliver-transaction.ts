// A committed transaction on its way to those who hear it: judged and encoded once for each group.
import { type Change, type ChannelName, type Clock } from '@dnr/protocol'
import { type ChangeView, viewChange } from './change-view.ts'
import type { Channels } from './channel-manager.ts'
import type { KnownEntity } from './entities.ts'
import type { Event } from './replay-page.ts'
import type { Outcome } from './outcome.ts'
import { hideRow, isShown, showRow } from './shown-rows.ts'
import type { ChannelEntry, Group } from './subscription.ts'

/** Hands a transaction to the channels of its changes. Never throws. */
export type DeliverTransaction = (transaction: readonly Change[]) => void

export interface DeliverOptions {
  readonly channels: Channels
  readonly entities: ReadonlyMap<string, KnownEntity>
  readonly clock: Clock
  onError(error: unknown, what: string): void
}

export function createDeliverTransaction({
  channels,
  entities,
  clock,
  onError,
}: DeliverOptions): DeliverTransaction {
  /** The channels that a change is heard on: that of its entity, and that of its row. */
  const entriesOf = ({ entity, id }: Change): ChannelEntry[] => {
    const names: ChannelName[] = [`entity:${entity}`, `entity:${entity}:${id}`]
    return names.map((name) => channels.channels.get(name)).filter((entry) => entry !== undefined)
  }

  const deliverOne = (view: ChangeView, entries: readonly ChannelEntry[]): void => {
    for (const { groups } of entries) {
      for (let index = groups.length - 1; index >= 0; index--) {
        const group = groups[index] as Group
        const outcome = outcomeFor(group, view)
        if (outcome !== null) channels.deliver(group, view.frame(group, outcome, false), view.change)
      }
    }
  }

  /** Each group gets its events of the transaction together, so that the last can be marked as the last. */
  const deliverTogether = (eventsByGroup: ReadonlyMap<Group, readonly Event[]>): void => {
    for (const [group, events] of eventsByGroup) {
      for (const [index, { view, outcome }] of events.entries()) {
        channels.deliver(group, view.frame(group, outcome, index < events.length - 1), view.change)
      }
    }
  }

  const collectEvents = (
    view: ChangeView,
    entries: readonly ChannelEntry[],
    into: Map<Group, Event[]>,
  ): void => {
    for (const group of entries.flatMap(({ groups }) => groups)) {
      const outcome = outcomeFor(group, view)
      if (outcome === null) continue
      const events = into.get(group)
      if (events === undefined) into.set(group, [{ view, outcome }])
      else events.push({ view, outcome })
    }
  }

  return (transaction) => {
    const now = clock.now()
    const eventsByGroup = new Map<Group, Event[]>()
    try {
      for (const change of transaction) {
        const entries = entriesOf(change)
        const known = entities.get(change.entity)
        if (known === undefined) continue
        const view = viewChange(change, known.codec, now)
        if (transaction.length === 1) deliverOne(view, entries)
        else collectEvents(view, entries, eventsByGroup)
        if (change.operation === 'deleted') known.numbers.free(change.id)
      }
      deliverTogether(eventsByGroup)
    } catch (error) {
      onError(error, 'delivering a change')
    }
  }
}

/** What a change means to a group, which is kept in mind. */
function outcomeFor(group: Group, view: ChangeView): Outcome | null {
  const { shown } = group
  const outcome = view.outcome(group)
  if (shown === null) return outcome
  const { id, operation } = view.change
  // A rule that reads more than the row may by now hide what it once showed.
  const result = outcome ?? (isShown(shown, id) ? 'left' : null)
  if (result === 'left' || operation === 'deleted') hideRow(shown, id)
  else if (result !== null) showRow(shown, id)
  return result
}
