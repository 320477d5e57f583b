// A page of the log as one group gets it: today's policy on the row as each change left it, and as it is now.
import type { Position } from '@dnr/protocol'
import type { Frame, FrameRun } from '../ports/server-socket.ts'
import { type GoneRows, isDeparture, NONE_GONE, withoutGone } from './gone-rows.ts'
import { type ChangeView, isAskedFor } from './change-view.ts'
import type { Outcome } from './outcome.ts'
import { isShown } from './shown-rows.ts'
import type { Group } from './subscription.ts'

/** What a resuming subscription is sent, or that the log does not reach back. */
export type ReplayPage =
  | { readonly holds: false }
  | {
      readonly holds: true
      readonly runs: readonly FrameRun[]
      readonly position: Position
      readonly more: boolean
      /** Does the transaction that it ends in go on? */
      readonly isCut: boolean
      /** The transaction of its first event; `null` when there is none, or nothing before it can be cut. */
      readonly opensWith: number | null
      /** Its last event, which is not among the runs: whether more of the transaction follows for the group is not known yet. */
      readonly tail: Tail | null
      /** What the runs, and the tail, tell. */
      readonly events: readonly Event[]
      /** Need what its group is known to be shown not be what its reader has afterwards? See `Subscription`. */
      readonly isApart: boolean
      /** Rows that its reader does not have afterwards, whatever the log tells of them later. */
      readonly gone: GoneRows
      /** When its changes had been read, and when it was made, as its reader counts. */
      readonly readAt: number
      readonly madeAt: number
    }

/** The last event so far of a transaction that goes on. */
export interface Tail {
  readonly transaction: number
  frame(more: boolean): Frame
}

/** A change that means something to a group. */
export interface Event {
  readonly view: ChangeView
  readonly outcome: Outcome
}

export interface ReplayOptions {
  /** Is a row still visible that the page leaves visible? It may have moved on after the page. */
  readonly seesNow: (id: string) => boolean
  /** Were rows shown that were not visible before the page? A snapshot's may be newer than its position. */
  readonly isAhead: boolean
  /** What the reader does not have, though it was visible before the page. */
  readonly gone: GoneRows
}

/**
 * What a page means to a group, in order.
 *
 * Of a row that the group may not see any more nothing goes out but that it left or was deleted, once, and that only to
 * those who had it: what it was in between is not theirs to know.
 */
export function replayEvents(
  group: Group,
  views: readonly ChangeView[],
  options: ReplayOptions,
): Pick<Extract<ReplayPage, { holds: true }>, 'events' | 'gone'> {
  const hidden = hiddenRows(group, views, options)
  const all: Event[] = []
  for (const view of views) {
    const outcome = view.outcome(group)
    if (outcome !== null) all.push({ view, outcome })
  }
  const departures = departuresOf(all, hidden, options)
  const told = all.filter(
    (event) => !hidden.has(event.view.change.id) || departures.get(event.view.change.id) === event,
  )
  // Of who is ahead it is not known what they have.
  if (options.isAhead) return { events: told, gone: NONE_GONE }
  const events = withoutGone(options.gone, told)
  const gone = new Set<string>()
  // Of all others the log says later that they come before it says that they go.
  for (const [id, { wasThere, isVisibleThere }] of hidden)
    if (isVisibleThere && (!wasThere || departures.has(id))) gone.add(id)
  return { events, gone: gone.size === 0 ? NONE_GONE : gone }
}

/** The last of a page's events, if it belongs to the transaction that the page is cut in. */
export function tailOf(group: Group, events: readonly Event[], cut: number | undefined): Tail | null {
  const last = events.at(-1)
  if (last === undefined || last.view.change.transaction !== cut) return null
  return { transaction: cut, frame: (more) => last.view.frame(group, last.outcome, more) }
}

/** Events as frames, each transaction's together, with `more` on all of it but the last. */
export function framesByTransaction(group: Group, events: readonly Event[]): Frame[] {
  const transactions = new Map<number, Event[]>()
  for (const event of events) {
    const { transaction } = event.view.change
    const own = transactions.get(transaction)
    if (own === undefined) transactions.set(transaction, [event])
    else own.push(event)
  }
  return [...transactions.values()].flatMap((each) => framesOf(group, each))
}

/** Are there rows of which a reader is told only if they had them? */
export function hidesRows(group: Group, views: readonly ChangeView[], options: ReplayOptions): boolean {
  return hiddenRows(group, views, options).size > 0
}

/**
 * Does a page leave other rows visible than the group is known to be shown? The group may have heard of more, or not of all yet; or
 * the rule reads more than the row, and says otherwise than when the group was told: then who has a row of which the page says
 * nothing may have it rightly or not.
 */
export function differsFromShown(group: Group, views: readonly ChangeView[]): boolean {
  const { shown } = group
  if (shown === null) return false
  const lastById = new Map(views.map((view) => [view.change.id, view]))
  for (const [id, last] of lastById) if (last.seesAfter(group) !== isShown(shown, id)) return true
  return views.some((view) => isAskedFor(group, view.change.before) && view.outcome(group) === null)
}

/** Events of one transaction as frames. */
export function framesOf(group: Group, events: readonly Event[]): Frame[] {
  return events.map(({ view, outcome }, index) => view.frame(group, outcome, index < events.length - 1))
}

/**
 * Each hidden row is let go once, if it was there: by the event that took it out of sight, be it its deletion. Who may have it as
 * it was made again since is told the last one: a deletion of before says nothing of the row that they have.
 */
function departuresOf(
  events: readonly Event[],
  hidden: ReadonlyMap<string, Hidden>,
  { isAhead }: ReplayOptions,
): ReadonlyMap<string, Event> {
  const departures = new Map<string, Event>()
  for (const event of events) {
    const { id } = event.view.change
    if (isDeparture(event) && hidden.get(id)?.wasThere === true && (isAhead || !departures.has(id)))
      departures.set(id, event)
  }
  return departures
}

/** A row that is not visible now. */
interface Hidden {
  /** Did the reader have it before the page? */
  readonly wasThere: boolean
  /** Was it visible at the end of the page? */
  readonly isVisibleThere: boolean
}

/** Rows that are not visible now. */
function hiddenRows(
  group: Group,
  views: readonly ChangeView[],
  { seesNow, isAhead, gone }: ReplayOptions,
): Map<string, Hidden> {
  const firstById = new Map<string, ChangeView>()
  const lastById = new Map<string, ChangeView>()
  for (const view of views) {
    if (!firstById.has(view.change.id)) firstById.set(view.change.id, view)
    lastById.set(view.change.id, view)
  }
  const hidden = new Map<string, Hidden>()
  for (const [id, last] of lastById) {
    const isVisibleThere = last.seesAfter(group)
    const isVisible =
      last.change.operation === 'deleted' ? last.sawBefore(group) : isVisibleThere && seesNow(id)
    if (isVisible) continue
    const wasThere = isAhead || (!gone.has(id) && firstById.get(id)?.sawBefore(group) === true)
    hidden.set(id, { wasThere, isVisibleThere })
  }
  return hidden
}
