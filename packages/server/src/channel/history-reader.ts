// Reads the log for those who come back. Members of a group that read from the same place at the same time share the
// read and the encoded frames. Holds nothing: the pages hang on the group. Next: open-subscription.ts.
import { type Change, type Clock, formatPosition, matchesWhere, type Position } from '@dnr/protocol'
import type { ChangeHistory } from '../ports/change-history.ts'
import { type ChangeView, viewChange } from './change-view.ts'
import type { KnownEntity } from './entities.ts'
import { type ReplayPage, replayFrames } from './replay-page.ts'
import type { Group } from './subscription.ts'

/** Changes of one page of a replay. */
export const REPLAY_PAGE_CHANGES = 500
/** Pages that a group keeps for others who read the same. */
const SHARED_PAGES = 8
/** Rows that are looked up at once; the bound of `in`. */
const LOOKUP_ROWS = 100

export interface HistoryReader {
  /**
   * What `group` is sent of the changes after a position. `afterSnapshot`: after a snapshot, not after a lost connection.
   *
   * A shared page was read after the last event of the group: an event clears them.
   */
  page(group: Group, after: Position, afterSnapshot: boolean): Promise<ReplayPage>
}

export function createHistoryReader(
  history: ChangeHistory | null,
  entities: ReadonlyMap<string, KnownEntity>,
  clock: Clock,
): HistoryReader {
  const read = async (group: Group, after: Position, afterSnapshot: boolean): Promise<ReplayPage> => {
    const { channel } = group.channel
    if (history === null || (channel.kind !== 'entity' && channel.kind !== 'record')) return { holds: false }
    const known = entities.get(channel.entity)
    if (known === undefined) return { holds: false }
    const one = channel.kind === 'record' ? { id: channel.id } : {}
    const page = await history.read({ after, entity: channel.entity, ...one, limit: REPLAY_PAGE_CHANGES })
    if (!page.holds) return { holds: false }
    const now = clock.now()
    const views = page.changes.map((change: Change) => viewChange(change, known.codec, now))
    const seesNow = page.more ? await visibleNow(group, views, known) : () => true
    const frames = replayFrames(group, views, { seesNow, afterSnapshot })
    return { holds: true, frames, position: page.position, more: page.more }
  }

  return {
    page(group, after, afterSnapshot) {
      const key = `${afterSnapshot ? 's' : 'r'}${formatPosition(after)}`
      const shared = group.pages?.get(key)
      if (shared !== undefined) return shared
      const page = read(group, after, afterSnapshot)
      const pages = (group.pages ??= new Map())
      if (pages.size >= SHARED_PAGES) pages.clear()
      pages.set(key, page)
      // A failure is for those who wait for it; whoever comes next tries again.
      page.catch(() => pages.delete(key))
      return page
    },
  }
}

/** Which of the page's rows are still visible, asked of the store: later pages may take them away. */
async function visibleNow(
  group: Group,
  views: readonly ChangeView[],
  { store, codec }: KnownEntity,
): Promise<(id: string) => boolean> {
  const ids = [...new Set(views.filter((view) => view.seesAfter(group)).map((view) => view.change.id))]
  if (store === null || ids.length === 0) return () => true
  const visible = new Set<string>()
  for (let start = 0; start < ids.length; start += LOOKUP_ROWS) {
    const where = { id: { in: ids.slice(start, start + LOOKUP_ROWS) } }
    const { rows } = await store.find({ where, limit: LOOKUP_ROWS })
    for (const row of rows) {
      const wire = codec.encode(row)
      if ((group.where === null || matchesWhere(wire, group.where)) && group.grant?.sees(row) === true)
        visible.add(wire.id)
    }
  }
  return (id) => visible.has(id)
}
