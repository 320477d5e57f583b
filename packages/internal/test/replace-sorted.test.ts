import fc from 'fast-check'
import { expect, test } from 'vitest'
import { replaceSorted } from '../src/index.ts'

type Row = { id: number; rank: number }
const compare = (a: Row, b: Row): number => a.rank - b.rank || a.id - b.id
const row = fc.record({ id: fc.nat(20), rank: fc.nat(5) })

test('gives what sorting the rows anew would give, whatever comes, goes, moves or stays', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(row, { selector: ({ id }) => id }),
      fc.nat(20),
      fc.option(fc.nat(5)),
      (given, id, rank) => {
        const rows = given.toSorted(compare)
        const known = rows.find((each) => each.id === id)
        const next = rank === null ? null : { id, rank }
        replaceSorted(rows, known, next, compare)
        const others = given.filter((each) => each.id !== id)
        expect(rows).toEqual((next ? [...others, next] : others).toSorted(compare))
      },
    ),
  )
})

test('what is not among the rows is not taken out', () => {
  const rows = [{ id: 1, rank: 1 }]
  replaceSorted(rows, { id: 2, rank: 2 }, null, compare)
  replaceSorted(rows, { id: 1, rank: 1 }, null, compare)
  expect(rows).toEqual([{ id: 1, rank: 1 }])
})
