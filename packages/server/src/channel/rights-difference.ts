// What a change of rights means to those who listen: rows that leave their sight, that enter it, and those of which they
// see other fields. Told exactly where that is little; otherwise the client reads the rows anew.
import { type Clock, matchesWhere, type Position, type WireRow } from '@dnr/protocol'
import type { Grant } from '../policy/grant.ts'
import type { Frame } from '../ports/server-socket.ts'
import type { KnownEntity } from './entities.ts'
import { eventFrame, type RowEvent } from './event-frame.ts'
import { copyShownRows, forgetRows, type ShownRows, showRow, shownIds } from './shown-rows.ts'
import { storedRows } from './snapshot-frames.ts'
import type { Group } from './subscription.ts'

/** A group as it was when rights changed. */
export interface Before {
  readonly group: Group
  readonly grant: Grant | null
  readonly shown: ShownRows | null
  /** Members whose rights are asked about. */
  suspended: number
  /** Are they all of its members? */
  isWhole: boolean
  /** To be called when it is not needed any more. */
  release(): void
}

export function rememberGroup(group: Group): Before {
  const { grant, shown } = group
  return {
    group,
    grant,
    shown: shown === null ? null : copyShownRows(shown),
    suspended: 0,
    isWhole: false,
    release: shown === null ? () => {} : shown.numbers.hold(),
  }
}

/**
 * Does today's grant decide as that of before? The key of a rule says so, unless it is the key itself whose meaning has
 * changed: then all who have it are asked.
 */
export function decidesAlike(grant: Grant, { grant: before, isWhole }: Before): boolean {
  if (before === null || grant.fieldsKey !== before.fieldsKey || grant.key !== before.key) return false
  return grant.seesAll || (grant.isShared && !isWhole)
}

/** Differences of one change of rights; those who were and are of the same groups share one. */
export interface Differences {
  /** Events at `at` that make of what `before` saw what `after` sees; `null`: too many, or not to be known. */
  of(before: Before, after: Group, at: Position): Promise<readonly Frame[] | null>
}

export interface DifferencesOptions {
  readonly entities: ReadonlyMap<string, KnownEntity>
  readonly clock: Clock
}

/** Beyond these a snapshot is cheaper for both sides. */
const MAX_EVENTS = 2_000
const MAX_CHARACTERS = 524_288

export function createDifferences({ entities, clock }: DifferencesOptions): Differences {
  const known = new Map<Before, Map<Group, Promise<readonly Frame[] | null>>>()
  return {
    of(before, after, at) {
      const byGroup = known.get(before) ?? new Map<Group, Promise<readonly Frame[] | null>>()
      known.set(before, byGroup)
      const shared = byGroup.get(after)
      if (shared !== undefined) return shared
      const entity = entities.get(after.grant?.entity.name ?? '')
      const frames =
        entity === undefined ? Promise.resolve(null) : readDifference(before, after, entity, at, clock.now())
      byGroup.set(after, frames)
      return frames
    },
  }
}

type Difference = Pick<RowEvent, 'outcome' | 'payload'>

async function readDifference(
  before: Before,
  after: Group,
  entity: KnownEntity,
  at: Position,
  now: number,
): Promise<readonly Frame[] | null> {
  if (entity.store === null) return null
  const { shown } = after
  if (shown !== null && before.group === after && before.isWhole) forgetRows(shown)
  const isRevealed = before.grant?.fieldsKey !== after.grant?.fieldsKey
  // By id: the number of a row that is deleted meanwhile is forgotten.
  const unseen = new Set(before.shown === null ? [] : shownIds(before.shown))
  const left: string[] = []
  const events: Difference[] = []
  let characters = 0
  for await (const chunk of storedRows(after, entity.store)) {
    for (const row of chunk.rows) {
      const wire = entity.codec.encode(row)
      if (after.where !== null && !matchesWhere(wire, after.where)) continue
      const sawBefore = unseen.delete(wire.id) || mayHaveSeen(before, row)
      const seesAfter = after.grant?.sees(row) === true
      if (sawBefore && !seesAfter) left.push(wire.id)
      if (shown !== null && seesAfter) showRow(shown, wire.id)
      if (!seesAfter || (sawBefore && !isRevealed)) continue
      const event = shownEvent(after, wire, sawBefore)
      events.push(event)
      characters += event.payload.length
    }
    if (events.length + left.length > MAX_EVENTS || characters > MAX_CHARACTERS) return null
  }
  if (shown !== null) shown.isComplete = true
  // First what is gone: a row may have been made anew under its id.
  const all = [...[...unseen, ...left].map(leftEvent), ...events]
  if (all.length > MAX_EVENTS) return null
  return all.map((event, index) =>
    eventFrame(after, { ...event, position: at, mutationId: null, more: index < all.length - 1 }, now),
  )
}

/** Of rows that are not known to have been shown. A rule that reads the row alone says today what it said then. */
function mayHaveSeen({ shown, grant }: Before, row: unknown): boolean {
  return shown?.isComplete !== true && grant?.sees(row) === true
}

function shownEvent(after: Group, wire: WireRow, sawBefore: boolean): Difference {
  return { outcome: sawBefore ? 'revealed' : 'entered', payload: JSON.stringify(after.grant?.redact(wire)) }
}

function leftEvent(id: string): Difference {
  return { outcome: 'left', payload: JSON.stringify({ id }) }
}
