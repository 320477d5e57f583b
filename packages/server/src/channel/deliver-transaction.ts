// A committed transaction on its way to those who hear it: judged and encoded once for each group.
import { type Change, type ChannelName, type Clock } from '@dnr/protocol'
import type { Frame } from '../ports/server-socket.ts'
import { type ChangeView, viewChange } from './change-view.ts'
import type { Channels } from './channel-manager.ts'
import type { KnownEntity } from './entities.ts'
import { type Event, framesOf } from './replay-page.ts'
import type { Outcome } from './outcome.ts'
import { hideRow, isShown, showRow } from './shown-rows.ts'
import type { ChannelEntry, Group } from './subscription.ts'

export interface Delivery {
  /**
   * Hands a transaction to the channels of its changes. Never throws: a group that it cannot be told is sent away to ask
   * anew, and the others get it all the same.
   */
  deliver(transaction: readonly Change[]): void
  /** How often a group could not be told. */
  readonly failures: number
}

export interface DeliverOptions {
  readonly channels: Channels
  readonly entities: ReadonlyMap<string, KnownEntity>
  readonly clock: Clock
  onError(error: unknown, what: string): void
}

export function createDelivery({ channels, entities, clock, onError }: DeliverOptions): Delivery {
  let failures = 0

  /** Nobody may miss in silence what moved the position on: who was in the group comes back for it. */
  const failed = (group: Group, change: Change, error: unknown): void => {
    failures++
    onError(error, 'delivering a change')
    // What is in no log is not there to be asked for.
    if (change.unlogged !== true) channels.letGo(group, change)
  }

  const guarded = (group: Group, change: Change, tell: () => void): void => {
    try {
      tell()
    } catch (error) {
      failed(group, change, error)
    }
  }

  /** The channels that a change is heard on: that of its entity, and that of its row. */
  const entriesOf = ({ entity, id }: Change): ChannelEntry[] => {
    const names: ChannelName[] = [`entity:${entity}`, `entity:${entity}:${id}`]
    return names.map((name) => channels.channels.get(name)).filter((entry) => entry !== undefined)
  }

  const deliverOne = (view: ChangeView, entries: readonly ChannelEntry[]): void => {
    for (const { groups } of entries) {
      for (let index = groups.length - 1; index >= 0; index--) {
        const group = groups[index] as Group
        guarded(group, view.change, () => {
          const outcome = outcomeFor(group, view)
          if (outcome !== null) channels.deliver(group, view.frame(group, outcome, false), view.change)
        })
      }
    }
  }

  /** Each group gets its events of the transaction together, so that the last can be marked as the last. */
  const deliverTogether = (eventsByGroup: ReadonlyMap<Group, readonly Event[]>): void => {
    for (const [group, events] of eventsByGroup) {
      const last = events.at(-1)
      if (last === undefined) continue
      guarded(group, last.view.change, () => {
        // All are encoded before the first is sent: a group gets the whole transaction or nothing of it.
        const frames = framesOf(group, events)
        for (const [index, { view }] of events.entries())
          channels.deliver(group, frames[index] as Frame, view.change)
      })
    }
  }

  const collectEvents = (
    view: ChangeView,
    entries: readonly ChannelEntry[],
    into: Map<Group, Event[]>,
  ): void => {
    for (const group of entries.flatMap(({ groups }) => groups)) {
      guarded(group, view.change, () => {
        const outcome = outcomeFor(group, view)
        if (outcome === null) return
        const events = into.get(group)
        if (events === undefined) into.set(group, [{ view, outcome }])
        else events.push({ view, outcome })
      })
    }
  }

  return {
    get failures() {
      return failures
    },
    deliver(transaction) {
      const now = clock.now()
      const eventsByGroup = new Map<Group, Event[]>()
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
    },
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
