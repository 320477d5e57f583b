// What was on the screen: S8 (when quiet, a collection is its query), and no half of a transaction at any time.
import type { Row, ShownRows } from './evidence.ts'
import { isSame, sees } from './sight.ts'

/** One sentence for each collection that is not its query, and for each transaction shown by half. */
export function checkCollection(shown: ShownRows, table: readonly Row[]): string[] {
  const { view, rows, tears } = shown
  const expected = queryOf(shown, table)
  const torn = tears.map((tear) => `${view.name}: half a transaction was shown: ${tear}`)
  return isSame(rows, expected) ? torn : [...torn, `${view.name}: ${describeDifference(rows, expected)}`]
}

/** Does it show what it should? */
export function isCurrent(shown: ShownRows, table: readonly Row[]): boolean {
  return isSame(shown.rows, queryOf(shown, table))
}

/** The rows that the query has now, in its order. */
function queryOf(
  { view, orderBy, limit = Number.POSITIVE_INFINITY }: ShownRows,
  table: readonly Row[],
): Row[] {
  const compare = (a: Row, b: Row): number => {
    for (const [field, direction] of [...orderBy, ['id', 'asc'] as const]) {
      const [left, right] = [a[field] as string | number, b[field] as string | number]
      if (left !== right) return left < right === (direction === 'asc') ? -1 : 1
    }
    return 0
  }
  return table
    .filter((row) => sees(view, row))
    .toSorted(compare)
    .slice(0, limit)
}

function describeDifference(rows: readonly Row[], expected: readonly Row[]): string {
  const shownIds = new Set(rows.map(({ id }) => id))
  const expectedById = new Map(expected.map((row) => [row.id, row]))
  const missing = expected.filter(({ id }) => !shownIds.has(id)).map(({ id }) => id)
  const extra = rows.filter(({ id }) => !expectedById.has(id)).map(({ id }) => id)
  const stale = rows.filter((row) => expectedById.has(row.id) && !isSame(row, expectedById.get(row.id)))
  const parts = [
    missing.length > 0 && `misses ${missing.join(', ')}`,
    extra.length > 0 && `shows ${extra.join(', ')} that are not there`,
    stale.length > 0 && `shows ${stale.map(({ id, version }) => `${id}@${version}`).join(', ')} as they were`,
  ].filter((part) => part !== false)
  return parts.length > 0 ? parts.join('; ') : 'shows the rows in another order'
}
