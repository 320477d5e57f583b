import { compareRows } from '@dnr/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSortedRows, type SortedRows } from '../../src/collection/sorted-rows.ts'

interface Ranked {
  readonly id: string
  readonly rank: number
}

const compare = compareRows([['rank', 'desc']]) as (a: Ranked, b: Ranked) => number
const ids = Array.from({ length: 30 }, (_, index) => `r${index}`)
const idArbitrary = fc.constantFrom(...ids)
const rowArbitrary = fc.record({ id: idArbitrary, rank: fc.integer({ min: 0, max: 3 }) })

const byIdOf = (rows: readonly Ranked[]): Map<string, Ranked> => new Map(rows.map((row) => [row.id, row]))

test('stays what sorting a map anew would give, after any puts and removals, whenever it is read', () => {
  const step = fc.oneof(
    { weight: 8, arbitrary: rowArbitrary.map((row) => ({ put: row })) },
    { weight: 4, arbitrary: idArbitrary.map((id) => ({ remove: id })) },
    {
      weight: 1,
      arbitrary: fc.uniqueArray(rowArbitrary, { selector: ({ id }) => id }).map((rows) => ({ reset: rows })),
    },
    { weight: 2, arbitrary: fc.constant({ read: true }) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
      const sorted = createSortedRows<Ranked>(compare)
      let model = new Map<string, Ranked>()
      for (const each of [...steps, { read: true }]) {
        if ('read' in each) {
          expect(sorted.list).toEqual([...model.values()].sort(compare))
        } else if ('put' in each) {
          sorted.set(each.put.id, each.put)
          model.set(each.put.id, each.put)
        } else if ('remove' in each) {
          sorted.set(each.remove, null)
          model.delete(each.remove)
        } else {
          sorted.reset(byIdOf(each.reset))
          model = byIdOf(each.reset)
        }
        for (const id of ids) expect(sorted.get(id)).toBe(model.get(id))
      }
    }),
  )
})

/** Ten thousand rows, and how many comparisons something takes. */
function createCounted(): { sorted: SortedRows<Ranked>; count: (act: () => unknown) => number } {
  let comparisons = 0
  const sorted = createSortedRows<Ranked>((a, b) => {
    comparisons++
    return compare(a, b)
  })
  sorted.reset(byIdOf(Array.from({ length: 10_000 }, (_, index) => ({ id: `r${index}`, rank: index }))))
  const count = (act: () => unknown): number => {
    comparisons = 0
    act()
    return comparisons
  }
  return { sorted, count }
}

test('one change among ten thousand rows takes a few comparisons, not thousands', () => {
  const { sorted, count } = createCounted()
  void sorted.list
  const taken = count(() => {
    sorted.set('r5000', { id: 'r5000', rank: 9_999.5 })
    sorted.set('r17', null)
    void sorted.list
  })
  expect(taken).toBeLessThan(60)
})

test('who reads by id alone pays for no order, and who reads after thousands of changes for one sort', () => {
  const { sorted, count } = createCounted()
  void sorted.list
  const changeAll = (): void => {
    for (let index = 0; index < 10_000; index++)
      sorted.set(`r${index}`, { id: `r${index}`, rank: index + 0.5 })
  }
  expect(count(changeAll)).toBe(0)
  expect(sorted.get('r7')?.rank).toBe(7.5)
  expect(count(() => sorted.list)).toBeLessThan(20_000)
  expect(count(() => sorted.list)).toBe(0)
})
