/** The numbers of one entity's rows. Numbers of deleted rows are given out again. */
export interface RowNumbers {
  numberOf(id: string): number
  /** The number, if the row has one. */
  find(id: string): number | undefined
  idOf(number: number): string
  /** The row is gone, and no group remembers it. */
  free(id: string): void
  /** Until the undo is called no number of a row that goes from now on is given out again: somebody keeps a set of them. */
  hold(): () => void
}

/** Gives rows small numbers, so that a set of rows is a set of bits. */
export function createRowNumbers(): RowNumbers {
  const numbersById = new Map<string, number>()
  const ids: string[] = []
  const reusable: number[] = []
  /** In the order in which they were freed. */
  const resting: { readonly number: number; readonly freed: number }[] = []
  let freed = 0
  /** How many had been freed when they began, the oldest first. */
  const holders = new Set<{ readonly since: number }>()

  return {
    numberOf(id) {
      const known = numbersById.get(id)
      if (known !== undefined) return known
      const number = reusable.pop() ?? ids.length
      numbersById.set(id, number)
      ids[number] = id
      return number
    },
    find: (id) => numbersById.get(id),
    idOf: (number) => ids[number] ?? '',
    free(id) {
      const number = numbersById.get(id)
      if (number === undefined) return
      numbersById.delete(id)
      if (holders.size === 0) reusable.push(number)
      else resting.push({ number, freed: ++freed })
    },
    hold() {
      const holder = { since: freed }
      holders.add(holder)
      return () => {
        if (!holders.delete(holder) || resting.length === 0) return
        const [oldest] = holders
        const kept = resting.findIndex((each) => oldest !== undefined && each.freed > oldest.since)
        const free = resting.splice(0, kept === -1 ? resting.length : kept)
        for (const { number } of free) reusable.push(number)
      }
    },
  }
}
