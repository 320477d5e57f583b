// Order within a column: a number between its neighbours. Pure.

interface Ranked {
  readonly id: string
  readonly rank: number
}

/** The new rank of one card. */
export type RankChange = Ranked

/**
 * The ranks that put `id` at `index` of a column whose other cards are `others`, in order.
 *
 * Mostly that is one change. When no number is left between two neighbours, the whole column is counted anew.
 */
export function rankAt(others: readonly Ranked[], id: string, index: number): readonly RankChange[] {
  const before = others[index - 1]?.rank
  const after = others[index]?.rank
  const rank = between(before, after)
  const fits = (before === undefined || before < rank) && (after === undefined || rank < after)
  if (fits) return [{ id, rank }]
  const column = [...others.slice(0, index), { id, rank }, ...others.slice(index)]
  return column
    .map((card, position) => ({ id: card.id, rank: position + 1 }))
    .filter(
      ({ id: each, rank: next }) =>
        each === id || others.some((card) => card.id === each && card.rank !== next),
    )
}

function between(before: number | undefined, after: number | undefined): number {
  if (before === undefined) return after === undefined ? 1 : after - 1
  return after === undefined ? before + 1 : before + (after - before) / 2
}
