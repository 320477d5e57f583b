// One subscription of one connection, from the request to its end: what is sent for it is what its rights show of the log.
// Rights may change between request and answer: each that was held meanwhile is a hypothesis, and one of them has to fit.
import { type AnyWhere, hasReached, parseChannel, type Position, type WireRow } from '@dnr/protocol'
import type { CommittedLog } from './committed-log.ts'
import type { HeldRights } from './held-rights.ts'
import { createSight, isSameRow, type Sight } from './rights.ts'
import { createWireSequence, type EventFrame, type WireSequence, type Wrong } from './wire-sequence.ts'

/** What a client asked for. */
export interface SubscribeFrame {
  readonly channel: string
  readonly requestId?: string
  readonly payload?: {
    readonly position?: Position
    readonly readTo?: Position
    readonly snapshot?: boolean
    readonly query?: { readonly where?: AnyWhere }
    readonly subscription?: string
  }
}

export interface SubscribedPayload {
  readonly position?: Position
  readonly recovered?: boolean
  readonly snapshot?: SnapshotPart
}

interface SnapshotPart {
  readonly rows: readonly WireRow[]
  readonly more: boolean
}

export interface SubscriptionChecker {
  subscribed(payload: SubscribedPayload): Wrong | null
  chunk(part: SnapshotPart): Wrong | null
  event(frame: EventFrame): Wrong | null
  /** It is said, without being asked, that the subscription goes on: rights were asked about anew. */
  goesOn(payload: SubscribedPayload): Wrong | null
  /** Does the frame take a row away, by its id alone, that it has shown or could see until now? */
  mayTakeAway(frame: { readonly type: string; readonly payload?: unknown }): boolean
  reached(offset: number): Wrong | null
}

interface Hypothesis {
  readonly sight: Sight
  readonly shownIds: Set<string>
  sequence: WireSequence | null
}

/** `null` for a channel without rows. */
export function createSubscriptionChecker(
  request: SubscribeFrame,
  principal: string,
  log: CommittedLog,
  rights: HeldRights,
): SubscriptionChecker | null {
  const parsed = parseChannel(request.channel)
  if (!parsed.ok || (parsed.value.kind !== 'entity' && parsed.value.kind !== 'record')) return null
  const { entity } = parsed.value
  const id = parsed.value.kind === 'record' ? parsed.value.id : undefined
  const sinceAsked = rights.now()
  rights.note(principal, entity)
  let hypotheses: Hypothesis[] = []
  let from: number | null = null
  let isWhole = false
  /** Ids that were sent, whatever became of them. */
  const everShown = new Set<string>()
  /** Ids of the snapshot under way, as far as it has come. */
  const gathered = new Set<string>()
  let sinceAnswered = sinceAsked
  /** When it was answered before, or asked: rights may have changed since then, and before the first part of a snapshot. */
  let sinceBegun = sinceAsked
  let last = 0
  /** Did it come back with rows that are newer than its position? */
  let cameAhead = false
  /** Was a difference begun where only the application knows that rights were asked about? */
  let isDifferent = false

  /** Keeps the hypotheses that `test` finds nothing wrong with; with none left, what was wrong with the last. */
  const sift = (test: (hypothesis: Hypothesis) => Wrong | null): Wrong | null => {
    let wrong: Wrong | null = null
    const fitting = hypotheses.filter((hypothesis) => {
      const found = test(hypothesis)
      wrong = found ?? wrong
      return found === null
    })
    if (fitting.length === 0) return wrong ?? { what: 'it was answered without any right' }
    hypotheses = fitting
    return null
  }

  const start = (isRecovered: boolean): void => {
    isWhole = true
    if (from === null) return
    const at = from
    for (const hypothesis of hypotheses) {
      const { sight, shownIds } = hypothesis
      hypothesis.sequence = createWireSequence({
        log,
        entity,
        id,
        sight,
        from: at,
        shownIds: isRecovered ? null : shownIds,
        isAhead: () => cameAhead || rights.now() > sinceAnswered,
      })
    }
  }

  /**
   * Have the rights become others since it was answered, or failed the server? Then a difference is told, in the middle of the
   * log.
   */
  const isMoving = (): boolean => isDifferent || rights.haveFailed || haveMoved()
  const haveMoved = (): boolean => rights.heldSince(sinceAnswered, principal, entity).length > 1
  const sightOfToday = (): Sight | null => {
    const held = rights.heldSince(rights.now(), principal, entity).at(-1)
    return held ? createSight(held, request.payload?.query?.where) : null
  }

  /** Until it is said that it goes on: rows as they are now, and the log since. */
  const movingEvent = ({ type, payload, position: { offset } }: EventFrame): Wrong | null => {
    if (offset < last) return { what: `offset ${offset} was sent after ${last}` }
    last = offset
    if (type === 'entity:deleted') return null
    const sight = sightOfToday()
    const isShown = log
      .ofRow(entity, payload.id)
      .some(
        ({ position, after }, index, changes) =>
          (changes[index + 1]?.position.offset ?? Infinity) > offset &&
          (position.offset <= offset || position.offset <= log.head) &&
          after !== null &&
          sight?.sees(after) === true &&
          isSameRow(sight.show(after), payload),
      )
    return isShown ? null : { what: `row ${payload.id} is not what today's rights show`, isLeak: true }
  }

  const chunk = (part: SnapshotPart): Wrong | null => {
    const wrong = isDifferent || haveMoved() ? movingChunk(part) : wholeChunk(part)
    if (!part.more) start(false)
    return wrong
  }

  /** The rest of a snapshot: by the rights of today. What these show of the rows before is told as a difference before its end. */
  const movingChunk = ({ rows, more }: SnapshotPart): Wrong | null => {
    const sight = sightOfToday()
    for (const row of rows) {
      if (sight === null) return { what: `a row (${row.id}) without any right`, isLeak: true }
      const found = wrongInSnapshot(row, sight)
      if (found !== null) return found
      everShown.add(row.id)
      gathered.add(row.id)
    }
    return more || sight === null ? null : mixedInSnapshot(sight)
  }

  /** What is told of the rows before, while the client shows none of them. */
  const eventBetween = (frame: EventFrame): Wrong | null => {
    isDifferent ||= frame.reason !== undefined && rights.now() > sinceBegun
    if (!isMoving() || frame.reason === undefined || frame.position.offset !== from)
      return { what: 'an event before the snapshot was whole' }
    const { id: rowId } = frame.payload
    if (frame.type === 'entity:deleted') gathered.delete(rowId)
    else gathered.add(rowId)
    return movingEvent(frame)
  }

  /** Rights have changed since it began: at its end it is what those of today show, and nothing of those of before. */
  const mixedInSnapshot = (sight: Sight): Wrong | null => {
    if (rights.haveFailed || from === null) return null
    const at = from
    for (const rowId of id === undefined ? log.ids(entity) : [id]) {
      const since = log.ofRow(entity, rowId).filter(({ position }) => position.offset > at)
      const seen = [log.rowAt(entity, rowId, at), ...since.map(({ after }) => after)].map(sight.sees)
      if (gathered.has(rowId) && !seen.includes(true))
        return { what: `row ${rowId} is in a snapshot by rights of before`, isLeak: true }
      if (!gathered.has(rowId) && !seen.includes(false))
        return { what: `row ${rowId} is missing in the snapshot` }
    }
    return null
  }

  const wholeChunk = (part: SnapshotPart): Wrong | null =>
    sift((hypothesis) => {
      for (const row of part.rows) {
        const found = wrongInSnapshot(row, hypothesis.sight)
        if (found !== null) return found
        hypothesis.shownIds.add(row.id)
        everShown.add(row.id)
        gathered.add(row.id)
      }
      return part.more ? null : missingInSnapshot(hypothesis)
    })

  const wrongInSnapshot = (row: WireRow, sight: Sight): Wrong | null => {
    const own = log.ofRow(entity, row.id)
    // Versions begin anew when a trimmed log has forgotten a deletion: the latest that fits counts.
    let index = own.length - 1
    while (index >= 0 && !isSameRow(own[index]?.after && sight.show(own[index]?.after as WireRow), row))
      index--
    const change = own[index]
    if (change === undefined) {
      const isLeak = own.some(({ after }) => isSameRow(after, row))
      return { what: `a row (${row.id}) that is not what was committed`, expected: own.at(-1)?.after, isLeak }
    }
    if (!sight.sees(change.after)) return { what: `a row (${row.id}) that may not be seen`, isLeak: true }
    const next = own[index + 1]
    if (from !== null && next !== undefined && next.position.offset <= from)
      return { what: `a row (${row.id}) that is older than the position`, expected: next.version }
    return null
  }

  /** A row that is to be seen at the position is there, unless it went out of sight since. */
  const missingInSnapshot = ({ sight, shownIds }: Hypothesis): Wrong | null => {
    if (rights.haveFailed) return null
    for (const rowId of id === undefined ? log.ids(entity) : [id]) {
      if (shownIds.has(rowId) || from === null || !sight.sees(log.rowAt(entity, rowId, from))) continue
      const at = from
      const isHiddenSince = log
        .ofRow(entity, rowId)
        .some(({ position, after }) => position.offset > at && !sight.sees(after))
      if (!isHiddenSince) return { what: `row ${rowId} is missing in the snapshot` }
    }
    return null
  }

  return {
    chunk,
    subscribed(payload) {
      isWhole = false
      gathered.clear()
      sinceBegun = sinceAnswered
      sinceAnswered = rights.now()
      isDifferent = false
      const held = rights.heldSince(sinceAsked, principal, entity).filter((each) => each !== null)
      hypotheses = held.map((each) => ({
        sight: createSight(each, request.payload?.query?.where),
        shownIds: new Set(),
        sequence: null,
      }))
      if (payload.recovered === true) {
        const { position: asked, readTo = asked } = request.payload ?? {}
        const newest = asked && readTo && hasReached(asked, readTo) ? asked : readTo
        if (asked === undefined || ![asked, newest].every((each) => each && log.isPresent(each)))
          return { what: 'a position that is not on this history was said to hold', expected: asked }
        from = asked.offset
        cameAhead = newest !== asked
        start(true)
        return hypotheses.length === 0 ? { what: 'it was answered without any right' } : null
      }
      from = payload.position?.offset ?? null
      if (payload.snapshot !== undefined) return chunk(payload.snapshot)
      start(true)
      return null
    },
    event(frame) {
      if (frame.type !== 'entity:deleted') everShown.add(frame.payload.id)
      if (!isWhole) return eventBetween(frame)
      if (isMoving()) return movingEvent(frame)
      const wrong = sift(({ sequence }) => sequence?.event(frame) ?? null)
      // Rights that turned out to be the same, but were held against rows that the log is not past yet. Those are judged by what
      // today's rights show; what is taken away has nothing to judge it by.
      const mayDiffer = wrong?.isLeak !== true || frame.type !== 'entity:deleted'
      isDifferent = wrong !== null && mayDiffer && frame.reason !== undefined && rights.now() > sinceAnswered
      if (isDifferent) return movingEvent(frame)
      last = frame.position.offset
      return wrong
    },
    goesOn({ position }) {
      // Without a position it says that more is to come.
      if (position === undefined) return null
      const wasMoving = isMoving()
      isDifferent = false
      sinceAnswered = wasMoving ? sinceAnswered : rights.now()
      if (!wasMoving) return null
      const held = rights.heldSince(rights.now(), principal, entity).at(-1)
      sinceAnswered = rights.now()
      hypotheses = held
        ? [{ sight: createSight(held, request.payload?.query?.where), shownIds: everShown, sequence: null }]
        : []
      from = Math.max(position?.offset ?? 0, last)
      start(true)
      return hypotheses.length === 0 ? { what: 'it goes on without any right' } : null
    },
    mayTakeAway({ type, payload }) {
      const { id: rowId } = (payload ?? {}) as { id?: string }
      if (type !== 'entity:deleted' || rowId === undefined) return false
      if (everShown.has(rowId)) return true
      const sights = rights.heldSince(sinceAsked, principal, entity)
      return log.imagesEver(entity, rowId).some((image) => sights.some((each) => each?.sees(image) === true))
    },
    reached: (offset) =>
      isWhole && !isMoving() ? sift(({ sequence }) => sequence?.reached(offset) ?? null) : null,
  }
}
