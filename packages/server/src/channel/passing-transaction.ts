// A transaction that is too long to be told at once, on its way past those who hear it: nobody is sent any of it until all of
// it has been judged; then whoever it means something to reads it from the log, as who comes back does, and goes on.
// Comes from deliver-transaction.ts; next: read-on.ts.
//
//   part ─▶ judged ─not the last─▶ the event loop turns, the next part      the last ─▶ its members read on from before it
//
// Groups that come in between, and those whose rights change, have not been judged on all of it: they read it, too.
import type { Change, Clock, Position } from '@dnr/protocol'
import { type ChangeView, viewChange } from './change-view.ts'
import type { Channels } from './channel-manager.ts'
import type { KnownEntity } from './entities.ts'
import { forgetHeard } from './history-reader.ts'
import { markChannelGrown } from './log-blocks.ts'
import { noteOutcome } from './note-outcome.ts'
import { type ChannelEntry, type Group, isAboutRows } from './subscription.ts'

/** What is known of it so far. */
export interface PassingTransaction {
  /** Groups that have been judged on it from its beginning. */
  readonly judged: Set<Group>
  /** Those that it means something to. */
  readonly concerned: Set<Group>
  readonly entities: Set<string>
}

export interface PassingOptions {
  readonly channels: Channels
  readonly entities: ReadonlyMap<string, KnownEntity>
  readonly clock: Clock
  flush(entry: ChannelEntry): void
  forgetDeleted(change: Change): void
  onError(error: unknown, what: string): void
}

export function createPassing({ channels, entities, clock, flush, forgetDeleted, onError }: PassingOptions): {
  deliverPart(changes: readonly Change[], before: Position): void
} {
  const begin = (): PassingTransaction => ({
    judged: new Set([...channels.channels.values()].flatMap(({ groups }) => groups)),
    concerned: new Set(),
    entities: new Set(),
  })

  const judge = (group: Group, view: ChangeView, passing: PassingTransaction): void => {
    try {
      if (noteOutcome(group, view) === null) return
    } catch (error) {
      onError(error, 'delivering a change')
    }
    passing.concerned.add(group)
    forgetHeard(group, view.change.id)
  }

  const pass = (change: Change, known: KnownEntity, passing: PassingTransaction): void => {
    const view = viewChange(change, known.codec, clock.now())
    for (const entry of channels.channelsOfRow(change)) {
      // What it holds back comes before.
      flush(entry)
      markChannelGrown(entry)
      for (const group of entry.groups) judge(group, view, passing)
    }
    passing.entities.add(change.entity)
    known.moves.note(change.id)
    forgetDeleted(change)
  }

  const end = (passing: PassingTransaction, last: Change, before: Position): void => {
    channels.passing = null
    for (const entry of channels.channels.values()) {
      if (!isAboutRows(entry.channel) || !passing.entities.has(entry.channel.entity)) continue
      for (let index = entry.groups.length - 1; index >= 0; index--) {
        const group = entry.groups[index] as Group
        if (passing.judged.has(group) && !passing.concerned.has(group)) continue
        channels.readOn(group, before, last)
      }
    }
  }

  return {
    deliverPart(changes, before) {
      const passing = (channels.passing ??= begin())
      for (const change of changes) {
        const known = entities.get(change.entity)
        if (known !== undefined) pass(change, known, passing)
      }
      const last = changes.at(-1)
      if (last?.last === true) end(passing, last, before)
    },
  }
}
