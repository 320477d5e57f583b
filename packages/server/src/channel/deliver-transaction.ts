// A committed transaction on its way to those who hear it: judged and encoded once for each group.
import type { Change, Clock, Position } from '@dnr/protocol'
import type { Frame } from '../ports/server-socket.ts'
import { type ChangeView, viewChange } from './change-view.ts'
import { createConflation, mergeChanges, type RecordChanges } from './conflation.ts'
import type { Channels } from './channel-manager.ts'
import type { KnownEntity } from './entities.ts'
import { markChannelGrown } from './log-blocks.ts'
import { type Event, framesOf } from './replay-page.ts'
import type { Outcome } from './outcome.ts'
import { createPassing } from './passing-transaction.ts'
import { isTakenBy, noteOutcome } from './note-outcome.ts'
import type { ChannelEntry, Group } from './subscription.ts'

export interface Delivery {
  /**
   * Hands a transaction to the channels of its changes. Never throws: a group that it cannot be told is sent away to ask
   * anew, and the others get it all the same.
   */
  deliver(transaction: readonly Change[]): void
  /**
   * The same of a part of a transaction that is too long for that. `before`: where the log stood before it. With the last part its
   * channels are told to read it.
   */
  deliverPart(changes: readonly Change[], before: Position): void
  /** Tells at once what a channel above its limit holds back. */
  flush(entry: ChannelEntry): void
  /** How often a group could not be told. */
  readonly failures: number
}

export interface DeliverOptions {
  readonly channels: Channels
  readonly entities: ReadonlyMap<string, KnownEntity>
  readonly clock: Clock
  /** Changes per second of one channel that are told one by one. */
  readonly maxPerSecond: number
  onError(error: unknown, what: string): void
}

/** An event of a group, and whether it takes a row away of which the log says nothing. */
interface Told extends Event {
  readonly isTaken: boolean
}

export function createDelivery({
  channels,
  entities,
  clock,
  maxPerSecond,
  onError,
}: DeliverOptions): Delivery {
  let failures = 0

  /** Nobody may miss in silence what moved the position on: who was in the group comes back for it. */
  const failed = (group: Group, change: Change, error: unknown, isLogged: boolean): void => {
    failures++
    onError(error, 'delivering a change')
    // What is in no log is not there to be asked for.
    if (isLogged) channels.letGo(group, change)
  }

  const deliverOne = (view: ChangeView, entries: readonly ChannelEntry[]): void => {
    for (const { groups } of entries) {
      for (let index = groups.length - 1; index >= 0; index--) {
        const group = groups[index] as Group
        try {
          const outcome = noteOutcome(group, view)
          if (outcome === null) continue
          const isTaken = isTakenBy(group, view.change)
          channels.deliver(group, view.frame(group, outcome, false), view.change, isTaken)
        } catch (error) {
          failed(group, view.change, error, view.change.unlogged !== true)
        }
      }
    }
  }

  /** Each group gets its events of the transaction together, so that the last can be marked as the last. */
  const deliverTogether = (eventsByGroup: ReadonlyMap<Group, readonly Told[]>): void => {
    for (const [group, events] of eventsByGroup) {
      const last = events.at(-1)
      if (last === undefined) continue
      try {
        // All are encoded before the first is sent: a group gets the whole transaction or nothing of it.
        const frames = framesOf(group, events)
        for (const [index, { view, isTaken }] of events.entries())
          channels.deliver(group, frames[index] as Frame, view.change, isTaken)
      } catch (error) {
        failed(group, last.view.change, error, true)
      }
    }
  }

  const collectEvents = (
    view: ChangeView,
    entries: readonly ChannelEntry[],
    into: Map<Group, Told[]>,
    passing: readonly ChangeView[] = [],
  ): void => {
    for (const group of entries.flatMap(({ groups }) => groups)) {
      try {
        const outcome = noteOutcome(group, view) ?? goneAgain(group, view, passing)
        if (outcome !== null) append(into, group, { view, outcome, isTaken: isTakenBy(group, view.change) })
      } catch (error) {
        failed(group, view.change, error, true)
      }
    }
  }

  /** Those of the channels that do not keep the transaction back. */
  const withinLimit = (entries: readonly ChannelEntry[], changes: readonly Change[]): ChannelEntry[] =>
    entries.filter((entry) => !conflation.keeps(entry, changes))

  const deliverSingle = (change: Change): void => {
    const known = entities.get(change.entity)
    if (known === undefined) return
    const entries = channels.channelsOfRow(change)
    entries.forEach(markChannelGrown)
    deliverOne(viewChange(change, known.codec, clock.now()), withinLimit(entries, [change]))
    known.moves.note(change.id)
    forgetDeleted(change)
  }

  const deliverMany = (transaction: readonly Change[]): void => {
    const now = clock.now()
    const heard = transaction.filter(({ entity }) => entities.has(entity))
    const changesByEntry = new Map<ChannelEntry, Change[]>()
    for (const change of heard)
      for (const entry of channels.channelsOfRow(change)) append(changesByEntry, entry, change)
    for (const entry of changesByEntry.keys()) markChannelGrown(entry)
    const within = new Set<ChannelEntry>()
    for (const [entry, changes] of changesByEntry) if (!conflation.keeps(entry, changes)) within.add(entry)
    const eventsByGroup = new Map<Group, Told[]>()
    for (const change of heard) {
      const { codec, moves } = entities.get(change.entity) as KnownEntity
      const entries = channels.channelsOfRow(change).filter((entry) => within.has(entry))
      collectEvents(viewChange(change, codec, now), entries, eventsByGroup)
      moves.note(change.id)
      forgetDeleted(change)
    }
    deliverTogether(eventsByGroup)
  }

  /** The number of a row that is gone is free as soon as no channel has still to tell of it. */
  const forgetDeleted = (change: Change): void => {
    if (change.operation !== 'deleted') return
    if (channels.channelsOfRow(change).some(({ held }) => held?.changesByRecord.has(change.id) === true))
      return
    entities.get(change.entity)?.numbers.free(change.id)
  }

  /** The end of a window: all records together, so that nobody sees half a transaction. */
  const deliverHeld = (entry: ChannelEntry, records: readonly RecordChanges[]): void => {
    const now = clock.now()
    const eventsByGroup = new Map<Group, Told[]>()
    for (const changes of records) {
      const merged = mergeChanges(changes)
      const known = entities.get(merged.entity)
      if (known === undefined) continue
      const view = viewChange(merged, known.codec, now, changes.length)
      const passing = changes.map((change) => viewChange(change, known.codec, now))
      collectEvents(view, [entry], eventsByGroup, passing)
      forgetDeleted(merged)
    }
    deliverTogether(eventsByGroup)
  }

  const conflation = createConflation({ maxPerSecond, clock, tell: deliverHeld })
  const passing = createPassing({
    channels,
    entities,
    clock,
    flush: conflation.flush,
    onError,
    forgetDeleted,
  })

  return {
    flush: conflation.flush,
    deliverPart: passing.deliverPart,
    get failures() {
      return failures
    },
    deliver(transaction) {
      const [only] = transaction
      if (only !== undefined && transaction.length === 1) deliverSingle(only)
      else deliverMany(transaction)
    },
  }
}

function append<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}

/**
 * A row that came into sight and went within a window: nobody was told of it, but who read the log in between may have it.
 * To all others its end means nothing.
 */
function goneAgain(group: Group, view: ChangeView, passing: readonly ChangeView[]): Outcome | null {
  if (!passing.some((each) => each.seesAfter(group))) return null
  return view.change.operation === 'deleted' && passing.at(-1)?.sawBefore(group) === true ? 'deleted' : 'left'
}
