// Rows that a reader of the log does not have although they are visible where it has come: because they are not any more, as the
// store says. Pages are shared, and who begins with a later one had the row: to these readers it must not be said that it has gone.
// Holds nothing: each replay has its own. Comes from replay.ts and replay-page.ts.
import type { Event } from './replay-page.ts'

export type GoneRows = ReadonlySet<string>

export const NONE_GONE: GoneRows = new Set()

export function isDeparture({ outcome }: Event): boolean {
  return outcome === 'left' || outcome === 'deleted'
}

/** The same events without the end of what is gone already: what comes before such a row is shown again. */
export function withoutGone(gone: GoneRows, events: readonly Event[]): readonly Event[] {
  if (gone.size === 0) return events
  const shown = new Set<string>()
  return events.filter((event) => {
    const { id } = event.view.change
    if (!gone.has(id) || shown.has(id)) return true
    if (isDeparture(event)) return false
    shown.add(id)
    return true
  })
}

/** Would somebody be told of the end of a row that they do not have? */
export function tellsOfGone(gone: GoneRows, events: readonly Event[]): boolean {
  return withoutGone(gone, events).length < events.length
}

/** Notes what is gone after a page: `later` are the rows that it leaves so. */
export function passGone(gone: Set<string>, events: readonly Event[], later: GoneRows): void {
  if (gone.size > 0) for (const event of events) if (!isDeparture(event)) gone.delete(event.view.change.id)
  for (const id of later) gone.add(id)
}
