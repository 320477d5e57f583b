import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mergeRows, type RowEdit } from '../../src/rebase/merge-rows.ts'

type Row = { id: number; rank: number }
const compare = (a: Row, b: Row): number => a.rank - b.rank || a.id - b.id

const edited = fc.record({ id: fc.nat(40), rank: fc.option(fc.nat(10), { nil: undefined }) })

test('gives what sorting everything anew would give, and leaves the rows as they are', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.record({ id: fc.nat(40), rank: fc.nat(10) }), { selector: (row) => row.id }),
      fc.uniqueArray(edited, { selector: (edit) => edit.id }),
      (rows, changes) => {
        const sorted = rows.toSorted(compare)
        const before = [...sorted]
        const byId = new Map(sorted.map((row) => [row.id, row]))
        const edits = changes.map(({ id, rank }): RowEdit<Row> => ({
          base: byId.get(id),
          row: rank === undefined ? undefined : { id, rank },
        }))
        changes.forEach(({ id, rank }) => (rank === undefined ? byId.delete(id) : byId.set(id, { id, rank })))
        expect(mergeRows(sorted, edits, compare)).toEqual([...byId.values()].sort(compare))
        expect(sorted).toEqual(before)
      },
    ),
  )
})

test('a thousand rows can be added at once', () => {
  const rows = Array.from({ length: 2_000 }, (_, id) => ({ id: id * 2, rank: 0 }))
  const edits = Array.from({ length: 2_000 }, (_, id) => ({
    base: undefined,
    row: { id: id * 2 + 1, rank: 0 },
  }))
  expect(mergeRows(rows, edits, compare).map((row) => row.id)).toEqual(
    Array.from({ length: 4_000 }, (_, id) => id),
  )
})

test('a base that the rows do not hold is nothing to remove', () => {
  expect(mergeRows([{ id: 1, rank: 1 }], [{ base: { id: 2, rank: 2 }, row: undefined }], compare)).toEqual([
    { id: 1, rank: 1 },
  ])
})
