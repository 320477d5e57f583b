// A page of the rows that somebody may see. The store knows no policies, so pages are filled here, from as many of its
// rows as it takes; its cursors tell where a row stands, so only those of visible rows leave the server.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { DnrError, type Position } from '@dnr/protocol'
import type { Grant } from '../policy/grant.ts'
import type { EntityStore, FindQuery, FoundRows } from '../ports/entity-store.ts'
import { type ListQuery, MAX_LIST_LIMIT } from './list-query.ts'

/** Rows in order, and where the next ones begin; `next` is `null` on the last page. */
export interface ListPage {
  readonly rows: FoundRows['rows']
  readonly next: string | null
  /** Before the first row was read: what the log says after it completes the page. */
  readonly position: Position
}

/** Rows that one request may look at. A list with fewer visible rows among them has to be narrowed. */
const MAX_SCANNED_ROWS = 100_000
const LOOK_AHEAD_ROWS = 20
const MAX_TRIES = 3

/** Where the last row of a page stands: the `count`th after `after`. `next` is known when a chunk ended with it. */
interface PageEnd {
  readonly id: string
  readonly after: string | undefined
  readonly count: number
  readonly next: string | null
}

/**
 * Reads a page of rows that `grant` shows: full, unless it is the last.
 *
 * @throws DnrError `bad_query` when too many hidden rows lie between the visible ones; whatever the store throws.
 */
export async function listRows(
  store: EntityStore,
  grant: Grant,
  query: ListQuery,
  signal: AbortSignal,
): Promise<ListPage> {
  for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
    const { page, end } = await fillPage(store, grant, query, signal)
    if (end === null) return page
    const next = end.next ?? (await cursorAt(store, grant, query, end))
    if (next !== null) return { ...page, next }
  }
  throw new DnrError('busy', 'The list changed while it was read. Ask again.', {
    retryable: true,
    retryAfterMs: 100,
  })
}

/** The page, and its end if another visible row follows. */
async function fillPage(
  store: EntityStore,
  grant: Grant,
  query: ListQuery,
  signal: AbortSignal,
): Promise<{ page: ListPage; end: PageEnd | null }> {
  const rows: FoundRows['rows'][number][] = []
  let end: PageEnd | null = null
  let position: Position | null = null
  let after = query.after
  let size = query.limit
  for (let scanned = 0; ; scanned += size) {
    if (scanned > MAX_SCANNED_ROWS) throw tooBroad()
    // Stores that answer at once would otherwise keep everybody else waiting.
    if (scanned > query.limit) await nextTurn()
    signal.throwIfAborted()
    const chunk: FoundRows = await store.find(findQuery(query, after, size))
    position ??= chunk.position
    for (const [index, row] of chunk.rows.entries()) {
      if (!grant.sees(row)) continue
      if (rows.length === query.limit) return { page: { rows, next: null, position }, end }
      rows.push(row)
      const isLast = index === chunk.rows.length - 1
      end = { id: row.id, after, count: index + 1, next: isLast ? chunk.next : null }
    }
    if (chunk.next === null) return { page: { rows, next: null, position }, end: null }
    // Every next row is a visible one.
    if (rows.length === query.limit && grant.seesAll) return { page: { rows, next: null, position }, end }
    after = chunk.next
    size = rows.length === query.limit && size !== LOOK_AHEAD_ROWS ? LOOK_AHEAD_ROWS : MAX_LIST_LIMIT
  }
}

/** The store's cursor right after the page's last row; `null` when it is no longer where it was. */
async function cursorAt(
  store: EntityStore,
  grant: Grant,
  query: ListQuery,
  end: PageEnd,
): Promise<string | null> {
  const { rows, next } = await store.find(findQuery(query, end.after, end.count))
  const last = rows.at(-1)
  return last?.id === end.id && grant.sees(last) ? next : null
}

function findQuery({ where, orderBy }: ListQuery, after: string | undefined, limit: number): FindQuery {
  return {
    limit,
    ...(where === undefined ? {} : { where }),
    ...(orderBy === undefined ? {} : { orderBy }),
    ...(after === undefined ? {} : { after }),
  } as FindQuery
}

function tooBroad(): DnrError {
  return new DnrError(
    'bad_query',
    `More than ${MAX_SCANNED_ROWS} rows would have to be read: narrow the list with where.`,
  )
}
