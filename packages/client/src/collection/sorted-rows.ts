/** Rows by id, and in order. A change costs two binary searches and the move of the rows between. */
export interface SortedRows<Row> {
  readonly list: readonly Row[]
  get(id: string): Row | undefined
  put(row: Row): void
  remove(id: string): void
  /** Takes these rows instead, in whatever order they come. */
  reset(rows: readonly Row[]): void
}

/** `compare` must be total: no two rows of different ids are equal. */
export function createSortedRows<Row extends { readonly id: string }>(
  compare: (a: Row, b: Row) => number,
): SortedRows<Row> {
  let list: Row[] = []
  let byId = new Map<string, Row>()

  /** The first place that is not before `row`. */
  function placeOf(row: Row): number {
    let low = 0
    let high = list.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compare(list[middle] as Row, row) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  /**
   * Frees place `to` and fills place `from`. By hand: on ten thousand rows that keep changing, two calls of `splice` took
   * 5 to 47 µs, this 3 to 5.
   */
  function slide(from: number, to: number): void {
    for (let at = from; at < to; at++) list[at] = list[at + 1] as Row
    for (let at = from; at > to; at--) list[at] = list[at - 1] as Row
  }

  return {
    get list() {
      return list
    },
    get: (id) => byId.get(id),
    put(row) {
      const known = byId.get(row.id)
      let to = placeOf(row)
      const from = !known ? list.push(row) - 1 : known === list[to] ? to : placeOf(known)
      if (from < to) to--
      slide(from, to)
      list[to] = row
      byId.set(row.id, row)
    },
    remove(id) {
      const known = byId.get(id)
      if (!known) return
      slide(placeOf(known), list.length - 1)
      list.pop()
      byId.delete(id)
    },
    reset(rows) {
      byId = new Map()
      for (const row of rows) byId.set(row.id, row)
      list = [...byId.values()].sort(compare)
    },
  }
}
