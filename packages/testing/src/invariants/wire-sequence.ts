// What one subscription is sent after `subscribed`, against what it should be: the changes of the log after the position, as
// somebody with these rights is to see them, in order, each once. Holds a cursor in the log.
import type { Change } from '@dnr/protocol'
import type { CommittedLog } from './committed-log.ts'
import { isSameRow, type Sight } from './rights.ts'

/** An `entity:…` frame, as far as it is compared. */
export interface EventFrame {
  readonly type: string
  readonly payload: { readonly id: string; readonly version?: number }
  readonly position: { readonly epoch: string; readonly offset: number }
  readonly reason?: string
  readonly more?: boolean
}

/** What is wrong with a frame or with what is missing before it. */
export interface Wrong {
  readonly what: string
  /** Something was sent that may not be seen. */
  readonly isLeak?: boolean
  readonly expected?: unknown
}

export interface WireSequence {
  /** The next event of the subscription. */
  event(frame: EventFrame): Wrong | null
  /** It was said that everything up to here has been sent. */
  reached(offset: number): Wrong | null
}

export interface WireSequenceParts {
  readonly log: CommittedLog
  readonly entity: string
  readonly id: string | undefined
  readonly sight: Sight
  /** The position after which events come. */
  readonly from: number
  /** Ids that the subscription was shown by its snapshot; with a resumed position, those visible there. */
  readonly shownIds: ReadonlySet<string> | null
  /** May the reader have any row newer than what it is told, because it came back with such, or rights are asked about? */
  isAhead(): boolean
}

type Meaning = 'created' | 'updated' | 'entered' | 'left' | 'deleted'

export function createWireSequence({
  log,
  entity,
  id,
  sight,
  from,
  shownIds,
  isAhead,
}: WireSequenceParts): WireSequence {
  const shown = new Map<string, boolean>()
  /** Where the log ended when it was last sent something before it had been sent all there was: so far it may have been read in pages. */
  let readTo = log.head
  let hasCaughtUp = false
  let cursor = from
  /** The transaction that was announced to go on. */
  let goesOn: number | null = null
  let ended: number | null = null

  const wasShown = (row: string): boolean =>
    shown.get(row) ?? shownIds?.has(row) ?? sight.sees(log.rowAt(entity, row, from))

  /**
   * A row of the snapshot may be the one that was made again: of those that went before it, and of which nothing was said, only
   * the last time that it goes is told. So it is with all rows of who may be ahead, and of who reads the log behind a snapshot: page by page, and of
   * a page only the last time is told. They read what was committed when they were sent something before it, until they had all.
   */
  const goesLater = (change: Change): boolean => {
    const isOfSnapshot = !shown.has(change.id) && shownIds?.has(change.id) === true
    const isRead = shownIds !== null && change.position.offset <= readTo
    if (!isOfSnapshot && !isRead && !isAhead()) return false
    return log
      .ofRow(entity, change.id)
      .filter(({ position }) => position.offset > change.position.offset)
      .map((later) => meaningOf(later, sight))
      .some((meaning) => meaning !== null && isEnd(meaning))
  }

  /** A change that was not sent: may it be left out? Rows that are hidden later are not told of in between. */
  const mayBeLeftOut = (change: Change, meaning: Meaning): boolean => {
    if (isEnd(meaning)) return !wasShown(change.id) || goesLater(change)
    return log
      .ofRow(entity, change.id)
      .some(({ position, after }) => position.offset > change.position.offset && !sight.sees(after))
  }

  /** Of a row that came and went while its reader was away there is nothing to say. A snapshot is read while rows come and go. */
  const unknownEnd = (change: Change, meaning: Meaning): Wrong | null =>
    isEnd(meaning) && shownIds === null && !wasShown(change.id) && !isAhead()
      ? { what: 'the end of a row that its reader did not have', isLeak: true }
      : null

  const isAllUpTo = (offset: number): boolean => {
    for (const change of log.between(offset, log.head, entity, id))
      if (meaningOf(change, sight) !== null) return false
    return true
  }

  const skipTo = (offset: number): Wrong | null => {
    for (const change of log.between(cursor, offset, entity, id)) {
      const meaning = meaningOf(change, sight)
      if (meaning !== null && !mayBeLeftOut(change, meaning))
        return {
          what: `the change at offset ${change.position.offset} was not sent`,
          expected: [meaning, change.id, change.version],
        }
    }
    return null
  }

  return {
    event(frame) {
      const { offset } = frame.position
      if (offset <= cursor)
        return { what: `offset ${offset} was sent after ${cursor}: twice, or out of order` }
      const change = log.at(offset)
      if (change === undefined || change.position.epoch !== frame.position.epoch)
        return { what: 'an event that is not in the log' }
      if (
        change.entity !== entity ||
        change.id !== frame.payload.id ||
        (id !== undefined && change.id !== id)
      )
        return { what: 'an event of another row than the log has there', expected: change.id }
      if (goesOn !== null && change.transaction !== goesOn)
        return { what: `a transaction (${goesOn}) was announced to go on, and did not` }
      if (change.transaction === ended) return { what: 'a transaction goes on after its end was announced' }
      const missing = skipTo(offset - 1)
      if (missing !== null) return missing
      const meaning = meaningOf(change, sight)
      if (meaning === null) return { what: 'an event of a row that may not be seen', isLeak: true }
      const wrong = unknownEnd(change, meaning) ?? mismatch(frame, change, meaning, sight)
      if (wrong !== null) return wrong
      shown.set(change.id, !isEnd(meaning))
      cursor = offset
      if (!hasCaughtUp) {
        readTo = log.head
        hasCaughtUp = isAllUpTo(offset)
      }
      goesOn = frame.more === true ? change.transaction : null
      ended = frame.more === true ? null : change.transaction
      return null
    },
    reached(offset) {
      if (offset <= cursor) return null
      const missing = skipTo(offset)
      if (missing === null) cursor = offset
      return missing
    },
  }
}

function isEnd(meaning: Meaning): boolean {
  return meaning === 'left' || meaning === 'deleted'
}

function meaningOf({ operation, before, after }: Change, sight: Sight): Meaning | null {
  const [saw, sees] = [sight.sees(before), sight.sees(after)]
  if (operation === 'deleted') return saw ? 'deleted' : null
  if (sees) return operation === 'created' ? 'created' : saw ? 'updated' : 'entered'
  return saw ? 'left' : null
}

const TYPES: Readonly<Record<Meaning, string>> = {
  created: 'entity:created',
  entered: 'entity:created',
  updated: 'entity:updated',
  left: 'entity:deleted',
  deleted: 'entity:deleted',
}

function mismatch(frame: EventFrame, change: Change, meaning: Meaning, sight: Sight): Wrong | null {
  const reason = meaning === 'entered' || meaning === 'left' ? meaning : undefined
  if (frame.type !== TYPES[meaning] || frame.reason !== reason)
    return {
      what: `${frame.type} ${frame.reason ?? ''} where the row was ${meaning}`,
      expected: TYPES[meaning],
    }
  const expected = payloadOf(change, meaning, sight)
  if (isSameRow(frame.payload, expected)) return null
  // Everything that was committed, where only a part of it may be seen.
  return { what: 'another row than was committed', expected, isLeak: isSameRow(frame.payload, change.after) }
}

function payloadOf({ id, version, after }: Change, meaning: Meaning, sight: Sight): object | null {
  if (meaning === 'left') return { id }
  return meaning === 'deleted' ? { id, version } : after && sight.show(after)
}
