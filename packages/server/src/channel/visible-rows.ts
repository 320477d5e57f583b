// Which rows a group sees at this moment, asked of the store; what one member asked is kept for the others until the group
// hears of the row. To who reads what the group has not heard of yet, an older look says nothing.
import { matchesWhere } from '@dnr/protocol'
import { groupSees } from './doubt.ts'
import type { KnownEntity } from './entities.ts'
import type { Group } from './subscription.ts'

/** A look at the store. */
interface Look {
  /** The ids that it showed. */
  readonly ids: Promise<ReadonlySet<string>>
  /** When it began, as the log's reader counts. */
  readonly at: number
}

/** Looks by the ids that were asked for. */
export type Looks = Map<string, Look>

/** Rows that are looked up at once; the bound of `in`. */
const LOOKUP_ROWS = 100
const MAX_KEPT = 10_000

/** Those of `ids` that are visible; nothing that was seen before `since` counts. */
export async function visibleNow(
  group: Group,
  looks: Looks,
  ids: Iterable<string>,
  known: KnownEntity,
  { since, now }: { readonly since: number; readonly now: number },
): Promise<(id: string) => boolean> {
  const { store } = known
  if (store === null) return () => true
  if (looks.size > MAX_KEPT) looks.clear()
  const wanted = [...new Set(ids)]
  const isFresh = (last: Look | undefined): boolean => last !== undefined && last.at >= since
  const unknown = wanted.filter((id) => !isFresh(looks.get(id)))
  for (let from = 0; from < unknown.length; from += LOOKUP_ROWS) {
    const some = unknown.slice(from, from + LOOKUP_ROWS)
    look(looks, some, { at: now, ids: find(group, some, { ...known, store }) })
  }
  // Taken now: what the group hears while this waits is not for this answer. Each id is answered by its own look alone.
  const asked = new Map(wanted.map((id) => [id, looks.get(id)]))
  const answers = new Map<Look | undefined, ReadonlySet<string> | undefined>()
  for (const each of new Set(asked.values())) answers.set(each, await each?.ids)
  return (id) => answers.get(asked.get(id))?.has(id) === true
}

function look(looks: Looks, ids: readonly string[], asked: Look): void {
  for (const id of ids) looks.set(id, asked)
  // A failure is for those who wait for it; whoever comes next asks again.
  asked.ids.catch(() => {
    for (const id of ids) if (looks.get(id) === asked) looks.delete(id)
  })
}

async function find(
  group: Group,
  ids: readonly string[],
  { store, codec }: KnownEntity & { readonly store: NonNullable<KnownEntity['store']> },
): Promise<ReadonlySet<string>> {
  const { rows } = await store.find({ where: { id: { in: ids } }, limit: LOOKUP_ROWS })
  const visible = rows.filter((row) => {
    const isMatch = group.where === null || matchesWhere(codec.encode(row), group.where)
    return isMatch && groupSees(group, row.id, row)
  })
  return new Set(visible.map(({ id }) => id))
}
