/** Which rows of one entity the log has told of while others were on their way from the store. */
export interface RowMoves {
  /** A read begins: what the log tells of from now on is noted. */
  begin(): MovedRows
  /** The log has told of a row, be it that it is gone. */
  note(id: string): void
}

/** What was read of a row that has moved since is no longer how it is: of such a row the log alone says whether it is shown. */
export interface MovedRows {
  has(id: string): boolean
  end(): void
}

/** Holds as many ids as rows were told of since the longest read began, however many read. */
export function createRowMoves(): RowMoves {
  /** When each was told of, the last at the end. */
  const toldAt = new Map<string, number>()
  /** When each read began, the first at the beginning. */
  const reads = new Set<number>()
  let now = 0

  const forget = (): void => {
    const [oldest = now] = reads
    for (const [id, at] of toldAt) {
      if (at > oldest) return
      toldAt.delete(id)
    }
  }

  return {
    begin() {
      const began = ++now
      reads.add(began)
      return {
        has: (id) => (toldAt.get(id) ?? 0) > began,
        end() {
          reads.delete(began)
          forget()
        },
      }
    },
    note(id) {
      if (reads.size === 0) return
      toldAt.delete(id)
      toldAt.set(id, ++now)
    },
  }
}
