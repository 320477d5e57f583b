// Puts overlaid rows among sorted confirmed ones. Pure. Costs one copy of the array, and for each overlaid row a
// binary search, two and the move of the rows behind it when its place changes.
import { replaceSorted } from '@dnr/internal'

/** One row that an overlay changes: from `base` (absent: it adds) to `row` (absent: it hides). */
export interface RowEdit<Row> {
  readonly base: Row | undefined
  readonly row: Row | undefined
}

/**
 * `rows` with every `base` replaced by its `row`, each at its place in the order of `compare`; the first `limit` of them.
 * `rows` stays as it is.
 */
export function mergeRows<Row>(
  rows: readonly Row[],
  edits: readonly RowEdit<Row>[],
  compare: (a: Row, b: Row) => number,
  limit = Infinity,
): readonly Row[] {
  const merged = rows.slice()
  for (const { base, row } of edits) replaceSorted(merged, base, row, compare)
  if (merged.length > limit) merged.length = limit
  return merged
}
