// Second station of a write's way to the screen: the pending mutations of one entity, a lane for each record, and the views that
// show them. Holds no rows but a cache. It does not send: that is mutation/. Next: the rows of an OptimisticCollection.
import { hasReached } from '@dnr/protocol'
import { type Signal, signal } from '@preact/signals-core'
import { isStored, type Mutation } from '../mutation/mutation.ts'
import type { ConfirmedBatch, ConfirmedRows, VersionedRow } from '../ports/confirmed-rows.ts'
import { replay } from './replay.ts'

/** Mutations of one record, in the order in which they were made. */
export interface Lane {
  readonly overlay: EntityOverlay
  readonly id: string
  readonly mutations: Mutation[]
  /** Counts changes of the list and of what its members do. */
  revision: number
  /** The last fold in each view, so that rows keep their identity. */
  readonly folds: Map<View, Fold>
}

/** A row as a view shows it, and what it was replayed from. */
interface Fold {
  readonly base: VersionedRow | undefined
  readonly revision: number
  readonly row: VersionedRow | undefined
}

/** One set of confirmed rows with the overlay on it. */
export interface View {
  readonly confirmed: ConfirmedRows<VersionedRow>
  readonly overlay: EntityOverlay
  close(): void
}

export interface EntityOverlay {
  readonly entity: string
  readonly lanes: Map<string, Lane>
  readonly views: Set<View>
  /** Rises with every change of what is shown or pending. */
  readonly revision: Signal<number>
  onThrow(error: unknown): void
}

export function createEntityOverlay(entity: string, onThrow: (error: unknown) => void): EntityOverlay {
  return { entity, lanes: new Map(), views: new Set(), revision: signal(0), onThrow }
}

/** The lane of a record, empty when nothing is pending for it. */
export function laneOf(overlay: EntityOverlay, id: string): Lane {
  return overlay.lanes.get(id) ?? { overlay, id, mutations: [], revision: 0, folds: new Map() }
}

/** Says that a lane, or what one of its members does, has changed; an empty one goes. */
export function touchLane(lane: Lane): void {
  const { overlay, id } = lane
  lane.revision++
  touchOverlay(overlay)
  if (lane.mutations.length > 0) overlay.lanes.set(id, lane)
  else overlay.lanes.delete(id)
}

/** Makes whoever shows the overlay look again. */
export function touchOverlay({ revision }: EntityOverlay): void {
  revision.value = revision.peek() + 1
}

/** The row of `id` as `view` shows it: confirmed, with what is pending replayed over it. */
export function rowIn(view: View, id: string): VersionedRow | undefined {
  const { confirmed, overlay } = view
  const lane = overlay.views.has(view) && overlay.lanes.get(id)
  const own = confirmed.byId(id)
  if (!lane) return own
  const shown = lane.mutations.filter((each) => (isStored(each) ? each.awaiting.has(view) : !each.isHidden))
  if (shown.length === 0) return own
  // A record that moves into this view is known to the view it comes from.
  const base = own ?? newest(overlay, id)
  const { revision, folds } = lane
  const known = folds.get(view)
  if (known && known.base === base && known.revision === revision) return known.row
  const replayed = replay(base, shown, overlay.onThrow)
  const matching = replayed && confirmed.matches(replayed) ? replayed : undefined
  const row = known?.row && matching && isSameRow(known.row, matching) ? known.row : matching
  folds.set(view, { base, revision, row })
  return row
}

function isSameRow(a: VersionedRow, b: VersionedRow): boolean {
  const fields = Object.keys(a) as (keyof VersionedRow)[]
  return fields.length === Object.keys(b).length && fields.every((field) => a[field] === b[field])
}

/** The row that a mutation finds: all that its lane did before it, whatever the filters. Without `before`: after all of them. */
export function rowBefore({ overlay, id, mutations }: Lane, before?: Mutation): VersionedRow | undefined {
  const earlier = before ? mutations.slice(0, mutations.indexOf(before)) : mutations
  return replay(newest(overlay, id), earlier, overlay.onThrow)
}

function newest({ views }: EntityOverlay, id: string): VersionedRow | undefined {
  let row: VersionedRow | undefined
  for (const { confirmed } of views) {
    const other = confirmed.byId(id)
    if (other && other.version > (row?.version ?? -1)) row = other
  }
  return row
}

/**
 * Does a view have to wait until its stream has passed a write that is now stored, also after `batch`?
 *
 * A write without a position waits for the version that it was made on: a conflict's row comes before its event. Offsets say
 * nothing of a history that the view has not heard of, as after a restored backup: the rows come with its resync. Of one that
 * it has left behind they do. Who is not live may not have heard; who is would wait for ever where nothing more comes.
 */
export function awaits(
  view: View,
  { position, id, base }: Mutation,
  batch?: ConfirmedBatch<VersionedRow>,
): boolean {
  const { confirmed, overlay } = view
  const status = confirmed.status.peek()
  const { position: at } = batch ?? confirmed
  const isForeign = at?.epoch !== position?.epoch
  // After a resync to another history it will never get there.
  const isOver = isForeign && batch?.kind === 'resync'
  if (isOver || status === 'failed' || !overlay.views.has(view)) return false
  // Where there is no row, or was none, nothing is older.
  if (!position) return (confirmed.byId(id)?.version as number) < (base?.version as number)
  if (!at) return status === 'loading'
  return !hasReached(at, position) || (isForeign && !batch && status !== 'live')
}
