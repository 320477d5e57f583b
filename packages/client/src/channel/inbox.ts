import {
  comparePositions,
  type EntityEvent,
  hasReached,
  type Position,
  type ServerMessage,
  type WireRow,
} from '@dnr/protocol'

type Payload<Type extends ServerMessage['type']> = Extract<
  ServerMessage,
  { type: Type; payload: unknown }
>['payload']

/** Where whole snapshots and whole transactions go. The inbox has moved its position before it calls. */
export interface Outlet {
  /** Everything there is, at `position`. */
  rows(rows: readonly WireRow[], position: Position): void
  /** The events of one transaction; none when only the position moved on. */
  events(events: readonly EntityEvent[], position: Position): void
  /** What happened between `from` and now is not known, and no snapshot was asked for. */
  gap(from: Position): void
  /** The subscription is installed and, if asked, its snapshot complete. */
  live(): void
}

/** Puts one subscription's frames in order: what is not whole, not new or not ours does not come out. */
export interface Inbox {
  /** Where to go on. */
  readonly from: {
    /** Everything up to here came out. `undefined` before the first answer, and when the position was refused. */
    readonly position: Position | undefined
    /** No row of the last snapshot is newer. As long as it is beyond `position`, a restored backup may hold the one and not the other. */
    readonly readTo: Position | undefined
  }
  subscribed(payload: Payload<'subscribed'>): void
  chunk(payload: Payload<'snapshot'>): void
  event(event: EntityEvent): void
  /** Everything up to `position` has been sent to us. */
  reached(position: Position): void
  /** Deaf until the next `subscribed`: half a snapshot and half a transaction are forgotten; the position is kept unless `isLost`. */
  cut(isLost?: boolean): void
}

/**
 *   deaf ─subscribed, with rows to come▶ loading ─last chunk▶ live      deaf ─subscribed▶ live      any ─cut▶ deaf
 *
 * Offsets may jump, since other entities and hidden rows count too: order is all that is asked of them.
 */
export function createInbox(outlet: Outlet): Inbox {
  let phase: 'deaf' | 'loading' | 'live' = 'deaf'
  let position: Position | undefined
  let rows: WireRow[] = []
  let readTo: Position | undefined
  /** While loading, what comes after the rows; then the transaction that is not whole yet. */
  let events: EntityEvent[] = []

  function chunk(payload: Payload<'snapshot'>): void {
    if (phase !== 'loading' || !position) return
    for (const row of payload.rows) rows.push(row)
    if (payload.more) return
    phase = 'live'
    readTo = payload.readTo
    outlet.rows(rows.splice(0), position)
    outlet.live()
    events.splice(0).forEach(event)
  }

  function event(next: EntityEvent): void {
    if (phase === 'deaf') return
    const seen = events.at(-1)?.position ?? position
    if (phase === 'live' && seen && !isAfter(next, seen)) return
    events.push(next)
    if (phase === 'loading' || next.more) return
    const whole = events.splice(0)
    position = next.position ?? position
    if (position) outlet.events(whole, position)
  }

  return {
    get from() {
      return { position: phase === 'loading' ? undefined : position, readTo }
    },
    subscribed(payload) {
      if (payload.recovered) {
        phase = 'live'
        return outlet.live()
      }
      const from = position
      position = payload.position
      phase = payload.snapshot ? 'loading' : 'live'
      if (payload.snapshot) return chunk(payload.snapshot)
      if (from) outlet.gap(from)
      outlet.live()
    },
    chunk,
    event,
    reached(next) {
      if (phase !== 'live' || events.length || !position || hasReached(position, next)) return
      position = next
      outlet.events([], next)
    },
    cut(isLost) {
      if (isLost || phase === 'loading') position = undefined
      phase = 'deaf'
      rows = []
      events = []
    },
  }
}

/**
 * A change of permission has no offset of its own: rows then enter and leave at the position already reached. What is in
 * no log has no position, and comes once.
 */
function isAfter(event: EntityEvent, seen: Position): boolean {
  const order = event.position ? comparePositions(event.position, seen) : 1
  return order > 0 || (!order && 'reason' in event)
}
