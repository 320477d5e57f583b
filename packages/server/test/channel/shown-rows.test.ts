import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRowNumbers } from '../../src/channel/row-numbers.ts'
import {
  copyShownRows,
  createShownRows,
  hideRow,
  isShown,
  showRow,
  shownIds,
} from '../../src/channel/shown-rows.ts'

test('remembers what a set would, however many rows, in any order', () => {
  const step = fc.record({ id: fc.nat(200), isShown: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const shown = createShownRows(createRowNumbers())
      const model = new Set<string>()
      for (const { id, isShown: shows } of steps) {
        if (shows) showRow(shown, `r${id}`)
        else hideRow(shown, `r${id}`)
        if (shows) model.add(`r${id}`)
        else model.delete(`r${id}`)
      }
      expect([...shownIds(shown)].sort()).toEqual([...model].sort())
      expect(model.has('r7')).toBe(isShown(shown, 'r7'))
    }),
  )
})

test('a copy stays as it was', () => {
  const shown = createShownRows(createRowNumbers())
  for (let index = 0; index < 100; index++) showRow(shown, `r${index}`)
  const copy = copyShownRows(shown)
  hideRow(shown, 'r5')
  showRow(shown, 'new')
  expect([isShown(copy, 'r5'), isShown(copy, 'new')]).toEqual([true, false])
})

test('the number of a deleted row is given out again, but not while somebody holds them', () => {
  const numbers = createRowNumbers()
  numbers.numberOf('a')
  const release = numbers.hold()
  numbers.free('a')
  expect(numbers.numberOf('b')).toBe(1)
  expect(numbers.idOf(0)).toBe('a')
  release()
  release()
  expect(numbers.numberOf('c')).toBe(0)
})
