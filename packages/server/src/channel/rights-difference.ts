// What a change of rights means to those who listen: rows that leave their sight, that enter it, and those of which they
// see other fields. Told exactly where that is little; otherwise the client reads the rows anew.
import { type Change, type Clock, matchesWhere, type Position } from '@dnr/protocol'
import { isLive } from '../connection/connection.ts'
import type { Grant, Verdict } from '../policy/grant.ts'
import type { ChangeHistory } from '../ports/change-history.ts'
import type { Frame } from '../ports/server-socket.ts'
import { type Doubt, groupSees, isDoubted, isOverlooked } from './doubt.ts'
import { entityOf, type KnownEntity } from './entities.ts'
import { eventFrame, type RowEvent } from './event-frame.ts'
import { beginReading, isAhead, missRead, passReadings, showRead } from './rows-ahead.ts'
import { completeRows, copyShownRows, forgetRows, type ShownRows, shownIds } from './shown-rows.ts'
import {
  endOfLog,
  finishReading,
  type ReadingContext,
  type StoredEntity,
  storedRows,
} from './snapshot-frames.ts'
import type { Group } from './subscription.ts'

/** What was shown before rights changed, and by which. */
export interface ShownBefore {
  readonly group: Group
  readonly grant: Grant | null
  readonly shown: ShownRows | null
  /** Rows of which it is not known who had them. */
  readonly doubt: Doubt | null
}

/** A group as it was when rights changed. */
export interface Before extends ShownBefore {
  /** Members whose rights are asked about. */
  suspended: number
  /** Are they all of its members? */
  isWhole: boolean
  /** To be called when it is not needed any more. */
  release(): void
}

/** `delivered`: what the group has been told up to. */
export function rememberGroup(group: Group, delivered: Position | null): Before {
  const { grant, shown, doubt } = group
  if (shown !== null) passReadings(shown, delivered, doubt)
  return {
    group,
    grant,
    shown: shown === null ? null : copyShownRows(shown),
    doubt,
    suspended: 0,
    isWhole: false,
    release: shown === null ? () => {} : shown.numbers.hold(),
  }
}

/**
 * All of its members that it can be asked about have been suspended: where nobody else is left, nothing that it knew counts, nor does
 * what it is told before somebody hears it by the rights of today.
 */
export function beginAnew(before: Before): void {
  const { group, suspended } = before
  // Who is being closed is told nothing any more.
  before.isWhole = group.members.filter(({ connection }) => isLive(connection)).length === suspended
  if (!before.isWhole) return
  group.doubt = null
  if (group.shown === null) return
  forgetRows(group.shown)
  group.shown.isUnheard = true
}

/**
 * Does today's grant decide as that of before? The key of a rule says so, unless it is the key itself whose meaning has
 * changed: then all who have it are asked. What was decided in doubt is not what the rule says.
 */
export function decidesAlike(grant: Grant, { grant: before, isWhole, doubt }: Before): boolean {
  if (before === null || doubt !== null || grant.fieldsKey !== before.fieldsKey || grant.key !== before.key)
    return false
  return grant.seesAll || (grant.isShared && !isWhole)
}

/** Differences of one change of rights; those who were and are of the same groups share one. */
export interface Differences {
  /** Events at `at` that make of what `before` saw what `after` sees; `null`: too many, or not to be known. */
  of(before: ShownBefore, after: Group, at: Position): Promise<readonly Frame[] | null>
}

export interface DifferencesOptions extends ReadingContext {
  readonly entities: ReadonlyMap<string, KnownEntity>
  readonly clock: Clock
}

/** Beyond these a snapshot is cheaper for both sides. */
const MAX_EVENTS = 2_000
const MAX_CHARACTERS = 524_288
const LOG_PAGE = 512

export function createDifferences(options: DifferencesOptions): Differences {
  const { entities, history, clock } = options
  const known = new Map<ShownBefore, Map<Group, Promise<readonly Frame[] | null>>>()
  const read = async (before: ShownBefore, after: Group, at: Position): Promise<readonly Frame[] | null> => {
    const entity = entityOf(after, entities)
    if (entity === undefined || entity.store === null || history === null) return null
    if (seesAllAlike(before.grant, after.grant)) return []
    const difference = await compareRows(before, after, { ...entity, store: entity.store }, options)
    if (difference === null) return null
    const { gone, perhapsGone, events } = difference
    const isCertain = before.shown?.isComplete === true
    const left = isCertain ? [] : await seenAt(at, perhapsGone, before, entity, history)
    // First what is gone: a row may have been made anew under its id.
    return left === null
      ? null
      : framesAt(at, [...gone, ...left].map(leftEvent).concat(events), after, clock.now())
  }
  return {
    of(before, after, at) {
      const byGroup = known.get(before) ?? new Map<Group, Promise<readonly Frame[] | null>>()
      known.set(before, byGroup)
      const frames = byGroup.get(after) ?? read(before, after, at)
      byGroup.set(after, frames)
      return frames
    },
  }
}

/** Nothing was hidden, and nothing is. */
function seesAllAlike(before: Grant | null, after: Grant | null): boolean {
  return before?.seesAll === true && after?.seesAll === true && before.fieldsKey === after.fieldsKey
}

type Difference = Pick<RowEvent, 'outcome' | 'payload'>

interface RowDifferences {
  /** Ids of rows that were shown and are not seen any more. */
  readonly gone: readonly string[]
  /** Of rows that are not known to have been shown, but which the rule of before lets through. */
  readonly perhapsGone: readonly string[]
  readonly events: readonly Difference[]
}

/** The rows as they are now, by the rights of before and of after; `null`: too many differ. */
async function compareRows(
  before: ShownBefore,
  after: Group,
  entity: StoredEntity,
  context: ReadingContext,
): Promise<RowDifferences | null> {
  const { shown, where, grant } = after
  const age = shown?.age
  const isRevealed = before.grant?.fieldsKey !== grant?.fieldsKey
  // By id: the number of a row that is deleted meanwhile is forgotten.
  const unseen = new Set(before.shown === null ? [] : toldIds(before.shown))
  const gone: string[] = []
  const perhapsGone: string[] = []
  const events: Difference[] = []
  let characters = 0
  for await (const { rows, moved } of storedRows(after, entity)) {
    const reading = beginReading()
    for (const row of rows) {
      const wire = entity.codec.encode(row)
      if (where !== null && !matchesWhere(wire, where)) continue
      const wasShown = unseen.delete(wire.id)
      const isSure = !isDoubted(before.doubt, wire.id)
      const seenByRule = isSure && !wasShown ? mayHaveSeen(before, row) : false
      if (seenByRule === 'unknown') return null
      const sawBefore = wasShown || seenByRule
      const isSeen = grant !== null && groupSees(after, wire.id, row) && !isOverlooked(after, wire.id, moved)
      if (!isSeen) {
        if (sawBefore) (wasShown ? gone : perhapsGone).push(wire.id)
        if (shown !== null) missRead(shown, reading, wire.id, moved)
        continue
      }
      if (shown !== null) showRead(shown, reading, wire.id, moved)
      if (sawBefore && isSure && !isRevealed) continue
      const payload = JSON.stringify(grant.redact(wire))
      events.push({ outcome: sawBefore && isSure ? 'revealed' : 'entered', payload })
      characters += payload.length
    }
    await finishReading(after, reading, context)
    // Rights have changed once more: what is known of the group begins anew.
    if (shown !== null && shown.age !== age) return null
    const count = events.length + gone.length + perhapsGone.length
    if (count > MAX_EVENTS || characters > MAX_CHARACTERS) return null
  }
  if (shown !== null && !shown.isComplete) {
    const end = await endOfLog(context)
    if (shown.age !== age) return null
    completeRows(shown, end)
  }
  return { gone: [...unseen, ...gone], perhapsGone, events }
}

/** Rows that all of the group have been told of: what only some have read is not among them. */
function* toldIds(shown: ShownRows): Generator<string> {
  for (const id of shownIds(shown)) if (!isAhead(shown, id, null)) yield id
}

/** Of rows that are not known to have been shown. A rule that reads the row alone says today what it said then. */
function mayHaveSeen({ shown, grant }: ShownBefore, row: unknown): Verdict {
  return shown?.isComplete === true || grant === null ? false : grant.judge(row)
}

/**
 * Those of the rows that the rule of before let through at a position: one that was made, or came into sight, since then
 * is not to be spoken of. `null`: the log does not reach back, another row that it let through has changed since, or the
 * rule fails.
 */
async function seenAt(
  at: Position,
  ids: readonly string[],
  before: ShownBefore,
  { entity, codec }: KnownEntity,
  history: ChangeHistory,
): Promise<readonly string[] | null> {
  const firstSince = new Map<string, Change>()
  for (let after = at, more = true; more;) {
    const page = await history.read({ after, entity: entity.name, limit: LOG_PAGE })
    if (!page.holds) return null
    for (const change of page.changes) if (!firstSince.has(change.id)) firstSince.set(change.id, change)
    after = page.position
    more = page.more
  }
  const sawBefore = (change: Change): Verdict =>
    change.before !== null && (before.grant?.judge(codec.decode(change.before)) ?? false)
  // A row that is gone by now, or no longer asked for, is in no store that could be compared.
  const isCompared = new Set(ids)
  for (const [id, change] of firstSince) if (!isCompared.has(id) && sawBefore(change) !== false) return null
  const verdicts = ids.map((id): Verdict => {
    const change = firstSince.get(id)
    return change === undefined || sawBefore(change)
  })
  return verdicts.includes('unknown') ? null : ids.filter((_, index) => verdicts[index] === true)
}

function framesAt(
  position: Position,
  events: readonly Difference[],
  group: Group,
  now: number,
): readonly Frame[] | null {
  if (events.length > MAX_EVENTS) return null
  return events.map((event, index) => {
    const more = index < events.length - 1
    return eventFrame(group, { ...event, position, mutationId: null, more }, now)
  })
}

function leftEvent(id: string): Difference {
  return { outcome: 'left', payload: JSON.stringify({ id }) }
}
