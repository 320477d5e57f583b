import { expect, test } from 'vitest'
import { rankAt } from '../src/web/model/rank.ts'

const column = (...ranks: number[]) => ranks.map((rank, index) => ({ id: `card${index}`, rank }))

/** The ids of a column after the changes, in order. */
function orderAfter(others: ReturnType<typeof column>, index: number): string[] {
  const ranks = new Map(others.map(({ id, rank }) => [id, rank]))
  for (const { id, rank } of rankAt(others, 'new', index)) ranks.set(id, rank)
  return [...ranks].sort(([, a], [, b]) => a - b).map(([id]) => id)
}

test('one card changes: between its neighbours, before the first, after the last, or alone', () => {
  expect(rankAt(column(1, 2), 'new', 1)).toEqual([{ id: 'new', rank: 1.5 }])
  expect(rankAt(column(1, 2), 'new', 0)).toEqual([{ id: 'new', rank: 0 }])
  expect(rankAt(column(1, 2), 'new', 2)).toEqual([{ id: 'new', rank: 3 }])
  expect(rankAt([], 'new', 0)).toEqual([{ id: 'new', rank: 1 }])
})

test('cards with the same rank are told apart by counting the column anew', () => {
  expect(rankAt(column(1, 1, 3), 'new', 1)).toEqual([
    { id: 'new', rank: 2 },
    { id: 'card1', rank: 3 },
    { id: 'card2', rank: 4 },
  ])
  expect(orderAfter(column(5, 5, 5), 1)).toEqual(['card0', 'new', 'card1', 'card2'])
})

test('a place can be halved until no number is left, and then still be taken', () => {
  let others = column(1, 2)
  for (let count = 0; count < 120; count++) {
    const changes = new Map(rankAt(others, 'new', 1).map(({ id, rank }) => [id, rank]))
    expect(orderAfter(others, 1)).toEqual([others[0]?.id, 'new', ...others.slice(1).map(({ id }) => id)])
    const moved = others.map(({ id, rank }) => ({ id, rank: changes.get(id) ?? rank }))
    others = [
      moved[0],
      { id: `pushed${count}`, rank: changes.get('new') },
      ...moved.slice(1),
    ] as typeof others
  }
})
