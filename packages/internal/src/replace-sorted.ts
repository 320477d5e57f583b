/**
 * Puts `row` into the sorted `rows` instead of `known`, each at its place; one that is missing, or not among the rows, only comes
 * or goes. `compare` is total. What keeps its place costs a binary search, another two and the move of the rows behind.
 */
export function replaceSorted<Row>(
  rows: Row[],
  known: Row | undefined,
  row: Row | null | undefined,
  compare: (a: Row, b: Row) => number,
): void {
  /** The first place that is not before `other`. */
  const placeOf = (other: Row): number => {
    let low = 0
    let high = rows.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compare(rows[middle] as Row, other) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
  const at = known ? placeOf(known) : rows.length
  const isThere = known && rows[at] === known
  if (isThere && row && !compare(known, row)) rows[at] = row
  else {
    if (isThere) rows.splice(at, 1)
    if (row) rows.splice(placeOf(row), 0, row)
  }
}
