// Third station of a frame's way in. Holds the confirmed rows of one query as signals, in order. It knows neither sockets nor
// pending mutations: those are laid over it by @dnr/optimistic, through onBatch and absorb.
import { batch, computed, type ReadonlySignal, signal } from '@preact/signals-core'
import {
  type AnyOrderBy,
  type AnyWhere,
  compareRows,
  type EntityEvent,
  hasReached,
  matchesWhere,
  type Position,
  type WireRow,
} from '@dnr/protocol'
import { callEach } from '../channel/call-each.ts'
import { createLiveness, type Liveness } from '../channel/liveness.ts'
import type { Sink } from '../channel/wire-subscription.ts'
import type { Flusher } from './flusher.ts'
import { isSameRow, type SafeForm } from './row-form.ts'
import { createSortedRows } from './sorted-rows.ts'

/** One row of a {@link CollectionBatch}: `row: null` means gone; then `version: null` means it left the view or is unknown. */
export interface RowChange<Row> {
  readonly id: string
  readonly row: Row | null
  readonly version: number | null
  readonly mutationId: string | null
}

/** What was applied together. An echo of a mutation is listed even when its row was already known. */
export interface CollectionBatch<Row> {
  readonly changes: readonly RowChange<Row>[]
  readonly position: Position
  readonly kind: 'events' | 'resync' | 'answer'
}

/** What a write came to: the row, `null` when it was deleted, in `version` (`Infinity`: whatever it was before), at `position`. */
export interface Answer<Row> {
  readonly id: string
  readonly row: Row | null
  readonly version: number
  readonly position: Position | null
}

/**
 * The rows of a query, kept current.
 *
 * Rows are immutable; one that did not change keeps its identity, also through reconnects and resyncs. Changes that arrive
 * together are one notification. While the connection is down the last rows stay, with `status: 'stale'`.
 */
export interface Collection<Row> extends Liveness {
  readonly entity: string
  /** The rows in order, at most `limit`. */
  readonly rows: ReadonlySignal<readonly Row[]>
  /** The same beyond `limit`: what an overlay that hides rows fills up from. */
  readonly allRows: ReadonlySignal<readonly Row[]>
  readonly limit: number | undefined
  /** Everything up to here is applied; `null` before the first rows. */
  readonly position: Position | null
  /** The row with this id, in or beyond the limit. */
  byId(id: string): Row | undefined
  /** The query's order; the id breaks ties. */
  compare(a: Row, b: Row): number
  /** Does the query's `where` hold? */
  matches(row: Row): boolean
  /** Calls `listener` once per applied batch, before `rows` notifies; what it writes to signals comes with it. */
  onBatch(listener: (batch: CollectionBatch<Row>) => void): () => void
  /** Takes the answer to a write, unless the stream is past it or the row known in that version or a later one. */
  absorb(answer: Answer<Row>): void
  /** Ends this use of the rows; the subscription ends, a little later, with the last use. */
  close(): void
}

type Versioned = { readonly id: string; readonly version: number }

/** An answer that has changed what is shown, and that the stream has not reached. */
type Ahead<Row> = Answer<Row> & { version: number; readonly position: Position }

interface Query {
  readonly where?: AnyWhere
  readonly orderBy?: AnyOrderBy
  readonly limit?: number
}

/** The rows, and the end by which a subscription feeds them. */
export function createCollection<Row extends Versioned>(
  entity: string,
  { where = {}, orderBy = [], limit }: Query,
  form: SafeForm<Row>,
  flusher: Flusher,
): { readonly collection: Omit<Collection<Row>, 'close'>; readonly sink: Sink } {
  const compareWire = compareRows(orderBy)
  const compare = (a: Row, b: Row): number => compareWire(form.encode(a), form.encode(b))
  const matches = (row: Row): boolean => matchesWhere(form.encode(row), where)
  const sorted = createSortedRows(compare)
  /**
   * The last answer about each row that the stream has not reached yet. With version 0 the row has come from the stream as
   * well: an answer may stand for later changes than that of its row, those of its whole transaction.
   */
  const answers = new Map<string, Ahead<Row>>()
  const listeners = new Set<(batch: CollectionBatch<Row>) => void>()
  const { enter, ...liveness } = createLiveness()
  const generation = signal(0)
  let position: Position | null = null
  const waiting: (() => void)[] = []
  const batches: CollectionBatch<Row>[] = []
  let isChanged = false
  /** Who may see nothing keeps nothing, what they write themselves neither. */
  let isForbidden = false

  let shown: readonly Row[] = []
  const allRows = computed(() => (generation.value, sorted.list.slice()))
  const rows = limit
    ? computed(() => (generation.value, (shown = window(shown, sorted.list, limit))))
    : allRows

  const part = {
    apply() {
      for (const step of waiting.splice(0)) flusher.guard(step)
    },
    tell() {
      if (isChanged) generation.value++
      isChanged = false
      for (const each of batches.splice(0))
        callEach(listeners, (listener) => flusher.guard(() => listener(each)))
    },
  }
  const later = (step: () => void): void => {
    if (waiting.push(step) === 1) flusher.schedule(part)
  }

  function set(id: string, row: Row | null): void {
    sorted.set(id, row)
    isChanged = true
  }

  /** True: it says more than what is known, of a row that is or was shown here. */
  function applyAnswer({ id, row, version }: Answer<Row>): boolean {
    const known = sorted.get(id)
    const next = row && matches(row) ? row : null
    if (known ? known.version >= version : !next) return false
    set(id, next)
    return true
  }

  function describe(
    id: string,
    version: number | null = null,
    mutationId: string | null = null,
  ): RowChange<Row> {
    const row = sorted.get(id) ?? null
    return { id, row, version: row ? row.version : version, mutationId }
  }

  /**
   * Ends the answers that are reached. A snapshot, which has no `changes`, also ends those of another epoch: it was asked for after
   * them, so that it holds what they told, or their history is lost. One that came since shows again when the stream reaches it.
   */
  function moveTo(at: Position, changes?: RowChange<Row>[]): void {
    position = at
    for (const [id, { version, position: answeredAt }] of answers) {
      if (!hasReached(at, answeredAt) && (changes || at.epoch === answeredAt.epoch)) continue
      answers.delete(id)
      // All up to it was told, with no word about its row: it left sight since, which who never had it from the stream is not told.
      if (!changes || sorted.get(id)?.version !== version) continue
      set(id, null)
      changes.push(describe(id))
    }
  }

  /** A snapshot as a difference: what is the same stays the same object. */
  function resync(incoming: readonly WireRow[], at: Position): void {
    const after = new Map<string, Row>()
    // A page opens once, cold: a function called for each row then takes half as long as a loop over them (0011).
    incoming.forEach((wire) => {
      const known = sorted.get(wire.id)
      const row = known && isSameRow(form.encode(known), wire) ? known : form.decode(wire)
      // One that cannot be decoded is left out, alone: what it was before is not what it is.
      if (row) after.set(wire.id, row)
    })
    const before = sorted.reset(after)
    moveTo(at)
    answers.forEach((answer) => applyAnswer(answer) || (answer.version = 0))
    const changes: RowChange<Row>[] = []
    before.forEach((row, id) => after.get(id) !== row && changes.push(describe(id)))
    after.forEach((_, id) => before.has(id) || changes.push(describe(id)))
    isChanged ||= changes.length > 0
    batches.push({ kind: 'resync', position: at, changes })
  }

  /** What may no longer be seen is not kept on the screen. */
  function forget(): void {
    // Before the first snapshot there may be what answers have told: they say where, but the stream has not come so far.
    const reached = position
    let at = reached
    answers.forEach((answer) => (at ??= answer.position))
    answers.clear()
    if (at) resync([], at)
    position = reached
  }

  function applyEvents(events: readonly EntityEvent[], at: Position): void {
    const changes: RowChange<Row>[] = []
    for (const event of events) {
      const { id, version = null } = event.payload as { id: string; version?: number }
      const { mutationId = null, position: place } = event
      // What left one's sight did so by the rights of today, which no answer knows; it alone has no version.
      if (version === null) answers.delete(id)
      const answer = answers.get(id)
      const isOld =
        answer && place && (version as number) < answer.version && hasReached(answer.position, place)
      const isNews = !isOld && isNewer(event, sorted.get(id))
      if (isNews) set(id, event.type === 'entity:deleted' ? null : form.decode(event.payload))
      if (isNews || mutationId) changes.push(describe(id, version, mutationId))
      if (answer?.version === version) answer.version = 0
    }
    moveTo(at, changes)
    batches.push({ kind: 'events', position: at, changes })
  }

  return {
    collection: {
      ...liveness,
      entity,
      rows,
      allRows,
      limit,
      compare,
      matches,
      get position() {
        return position
      },
      byId: sorted.get,
      onBatch(listener) {
        const own: typeof listener = (each) => listener(each)
        listeners.add(own)
        return () => listeners.delete(own)
      },
      absorb(answer) {
        batch(() => {
          part.apply()
          const { id, version, position: at } = answer
          if (!isForbidden && !(at && position && hasReached(position, at)) && applyAnswer(answer)) {
            if (at) answers.set(id, { ...answer, position: at })
            const told = at ?? position
            if (told)
              batches.push({ kind: 'answer', position: told, changes: [describe(id, answer.row && version)] })
          }
          part.tell()
        })
      },
    },
    sink: {
      rows: (incoming, at) => later(() => resync(incoming, at)),
      events: (events, at) => later(() => applyEvents(events, at)),
      forget: () => later(forget),
      isAhead(at) {
        return [...answers.values()].some(
          ({ position: answeredAt }) => !at || (at.epoch !== answeredAt.epoch && !hasReached(at, answeredAt)),
        )
      },
      status: (status, error) =>
        later(() => {
          isForbidden = error?.code === 'forbidden'
          if (isForbidden) forget()
          enter(status, error)
        }),
    },
  }
}

/** Does the event say more than the row that is known? At the same version only other fields have come into sight. */
function isNewer(event: EntityEvent, known: Versioned | undefined): boolean {
  const { version = Infinity } = event.payload as { version?: number }
  if (!known) return event.type !== 'entity:deleted'
  return version > known.version || (version === known.version && 'reason' in event)
}

/** The first `limit` rows; the same array when they are the same rows, so that changes behind it notify nobody. */
function window<Row>(shown: readonly Row[], list: readonly Row[], limit: number): readonly Row[] {
  const next = list.slice(0, limit)
  return next.length === shown.length && next.every((row, index) => row === shown[index]) ? shown : next
}
