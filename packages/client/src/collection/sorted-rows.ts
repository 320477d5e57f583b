import { replaceSorted } from '@dnr/internal'

/**
 * Rows by id, and in order for whoever asks: a page that reads by id alone pays for no order. For each row that changed since
 * the last reading, the next one costs a binary search, two and the move of the rows behind when its place changed; a sort, when many changed.
 */
export interface SortedRows<Row> {
  readonly list: readonly Row[]
  get(id: string): Row | undefined
  /** Puts the row in, or takes it out: `null`. */
  set(id: string, row: Row | null): void
  /** Takes these rows instead, in whatever order they come, and gives back the former ones. The map is kept, and changed. */
  reset(rows: Map<string, Row>): ReadonlyMap<string, Row>
}

/** `compare` must be total: no two rows of different ids are equal. */
export function createSortedRows<Row extends { readonly id: string }>(
  compare: (a: Row, b: Row) => number,
): SortedRows<Row> {
  let byId = new Map<string, Row>()
  /** As it was when somebody read it; `null`: to be made anew. */
  let list: Row[] | null = null
  /** What has changed since: the row before, the row after. */
  let late: [Row | undefined, Row | null][] = []

  return {
    get list() {
      if (list) for (const [known, row] of late) replaceSorted(list, known, row, compare)
      else list = [...byId.values()].sort(compare)
      late = []
      return list
    },
    get: (id) => byId.get(id),
    set(id, row) {
      const known = byId.get(id)
      if (row) byId.set(id, row)
      else byId.delete(id)
      // Moving a 32nd of the rows takes about as long as sorting all of them.
      if (list && late.push([known, row]) > byId.size / 32) list = null
    },
    reset(rows) {
      const former = byId
      byId = rows
      list = null
      return former
    },
  }
}
