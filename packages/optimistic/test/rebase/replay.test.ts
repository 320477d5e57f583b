import { expect, test } from 'vitest'
import {
  becomes,
  cleanFields,
  combinePatches,
  creates,
  deletes,
  replay as replayMutations,
  type Step,
  type Updater,
  updates,
} from '../../src/rebase/replay.ts'

const row = (fields: object = {}) => ({ id: 'a', version: 3, count: 0, ...fields })
const update = (...patches: (object | ((row: { count: number }) => object))[]): Step =>
  updates(patches as Updater[])
const replay = (base: ReturnType<typeof row> | undefined, steps: Step[], onThrow: (error: unknown) => void) =>
  replayMutations(
    base,
    steps.map((step) => ({ step })),
    onThrow,
  )
const fail = (error: unknown): never => {
  throw error
}
const plusOne = update((before) => ({ count: before.count + 1 }))

test.each<{
  name: string
  base: ReturnType<typeof row> | undefined
  steps: Step[]
  expected: object | undefined
}>([
  { name: 'nothing pending', base: row(), steps: [], expected: row() },
  {
    name: 'an update of fields',
    base: row(),
    steps: [update({ title: 'x' })],
    expected: row({ title: 'x' }),
  },
  {
    name: 'updates in order',
    base: row(),
    steps: [update({ count: 1 }), update({ count: 2 })],
    expected: row({ count: 2 }),
  },
  {
    name: 'functions see the row before them',
    base: row(),
    steps: [plusOne, plusOne],
    expected: row({ count: 2 }),
  },
  { name: 'an update of no row', base: undefined, steps: [update({ count: 1 })], expected: undefined },
  {
    name: 'a creation',
    base: undefined,
    steps: [creates(row()), plusOne],
    expected: row({ count: 1 }),
  },
  {
    name: 'a creation that was seen back',
    base: row({ count: 9 }),
    steps: [creates(row())],
    expected: row({ count: 9 }),
  },
  { name: 'a deletion', base: row(), steps: [deletes], expected: undefined },
  {
    name: 'a replacement (B23)',
    base: row({ old: true }),
    steps: [deletes, creates(row())],
    expected: row(),
  },
  {
    name: 'stored, and the base is older',
    base: row(),
    steps: [becomes(row({ version: 4 }))],
    expected: row({ version: 4 }),
  },
  {
    name: 'stored, and the base is newer',
    base: row({ version: 10 }),
    steps: [becomes(row({ version: 9 }))],
    expected: row({ version: 10 }),
  },
  {
    name: 'stored, and not there yet',
    base: undefined,
    steps: [becomes(row())],
    expected: row(),
  },
  { name: 'deleted on the server', base: row(), steps: [becomes(null)], expected: undefined },
])('$name', ({ base, steps, expected }) => {
  expect(replay(base, steps, fail)).toEqual(expected)
})

test('a step that throws is left out and told, the others count (B21)', () => {
  const errors: unknown[] = []
  const broken = update(() => fail(new Error('boom')))
  expect(replay(row(), [plusOne, broken, plusOne], (error) => errors.push(error))).toEqual(row({ count: 2 }))
  expect(errors).toEqual([new Error('boom')])
})

test('patches of one mutation see each other and become one set of fields', () => {
  const patches = [
    { title: 'x' },
    ((before: { title: string }) => ({ title: `${before.title}y` })) as Updater,
    { count: 4 },
  ]
  expect(combinePatches(row(), patches)).toEqual({ title: 'xy', count: 4 })
})

test('id, version and what is undefined are no fields', () => {
  expect(cleanFields({ id: 'a', version: 1, title: undefined, note: null })).toEqual({ note: null })
})
