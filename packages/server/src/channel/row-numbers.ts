/** The numbers of one entity's rows. Numbers of deleted rows are given out again. */
export interface RowNumbers {
  numberOf(id: string): number
  /** The number, if the row has one. */
  find(id: string): number | undefined
  idOf(number: number): string
  /** The row is gone, and no group remembers it. */
  free(id: string): void
  /** Until the undo is called no number is given out again: somebody keeps a copy. */
  hold(): () => void
}

/** Gives rows small numbers, so that a set of rows is a set of bits. */
export function createRowNumbers(): RowNumbers {
  const numbersById = new Map<string, number>()
  const ids: string[] = []
  let reusable: number[] = []
  let resting: number[] = []
  let holders = 0

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
      ;(holders > 0 ? resting : reusable).push(number)
    },
    hold() {
      holders++
      let isHeld = true
      return () => {
        if (!isHeld) return
        isHeld = false
        if (--holders > 0) return
        reusable = reusable.concat(resting)
        resting = []
      }
    },
  }
}
