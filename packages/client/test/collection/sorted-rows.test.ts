import { compareRows } from '@dnr/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSortedRows } from '../../src/collection/sorted-rows.ts'

const compare = compareRows([['rank', 'desc']])
const rowArbitrary = fc.record({
  id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  rank: fc.integer({ min: 0, max: 3 }),
})

test('stays what sorting a map anew would give, after any puts and removals', () => {
  const step = fc.oneof(
    rowArbitrary.map((row) => ({ put: row })),
    fc.constantFrom('a', 'b', 'c', 'x').map((id) => ({ remove: id })),
    fc.uniqueArray(rowArbitrary, { selector: ({ id }) => id }).map((rows) => ({ reset: rows })),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const sorted = createSortedRows<{ id: string; rank: number }>(compare)
      const model = new Map<string, { id: string; rank: number }>()
      for (const each of steps) {
        if ('put' in each) {
          sorted.put(each.put)
          model.set(each.put.id, each.put)
        } else if ('remove' in each) {
          sorted.remove(each.remove)
          model.delete(each.remove)
        } else {
          sorted.reset([...each.reset])
          model.clear()
          each.reset.forEach((row) => model.set(row.id, row))
        }
        expect(sorted.list).toEqual([...model.values()].sort(compare))
        for (const id of ['a', 'b', 'x']) expect(sorted.get(id)).toBe(model.get(id))
      }
    }),
  )
})

test('one change among ten thousand rows takes a few comparisons, not thousands', () => {
  let comparisons = 0
  const sorted = createSortedRows<{ id: string; rank: number }>((a, b) => {
    comparisons++
    return compare(a, b)
  })
  sorted.reset(Array.from({ length: 10_000 }, (_, index) => ({ id: `r${index}`, rank: index })))
  comparisons = 0
  sorted.put({ id: 'r5000', rank: 9_999.5 })
  sorted.remove('r17')
  expect(comparisons).toBeLessThan(60)
})
