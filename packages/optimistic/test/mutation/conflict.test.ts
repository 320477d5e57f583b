import { expect, test } from 'vitest'
import { isContested } from '../../src/mutation/conflict.ts'

const base = { id: 'a', version: 1, title: 'x', done: false, tags: ['red'], at: null }

test.each([
  { name: 'another field changed', mine: { title: 'y' }, current: { ...base, done: true }, expected: false },
  { name: 'my field changed', mine: { title: 'y' }, current: { ...base, title: 'z' }, expected: true },
  {
    name: 'one of my fields changed',
    mine: { title: 'y', done: true },
    current: { ...base, done: true },
    expected: true,
  },
  {
    name: 'an equal list is no change',
    mine: { tags: ['blue'] },
    current: { ...base, tags: ['red'] },
    expected: false,
  },
  {
    name: 'another list is one',
    mine: { tags: ['blue'] },
    current: { ...base, tags: ['green'] },
    expected: true,
  },
  { name: 'from null to a value', mine: { at: 5 }, current: { ...base, at: 7 }, expected: true },
])('$name: contested is $expected (E64)', ({ mine, current, expected }) => {
  expect(isContested(base, mine, { ...current, version: 2 })).toBe(expected)
})

test('what was not loaded before counts as contested', () => {
  expect(isContested(undefined, { title: 'y' }, base)).toBe(true)
})
