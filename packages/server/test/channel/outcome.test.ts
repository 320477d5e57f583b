import type { Operation } from '@dnr/protocol'
import { expect, test } from 'vitest'
import { type Outcome, outcomeOf } from '../../src/channel/outcome.ts'

// saw before, sees after
type Sight = 'yes yes' | 'yes no' | 'no yes' | 'no no'
const table: Record<Operation, Record<Sight, Outcome | null>> = {
  created: { 'yes yes': 'created', 'yes no': null, 'no yes': 'created', 'no no': null },
  updated: { 'yes yes': 'updated', 'yes no': 'left', 'no yes': 'entered', 'no no': null },
  deleted: { 'yes yes': 'deleted', 'yes no': 'deleted', 'no yes': null, 'no no': null },
}
const cells = Object.entries(table).flatMap(([operation, row]) =>
  Object.entries(row).map(([sight, outcome]) => [operation as Operation, sight, outcome] as const),
)

test.each(cells)('%s, %s: %s', (operation, sight, outcome) => {
  const [before, after] = sight.split(' ')
  expect(outcomeOf(operation, before === 'yes', after === 'yes')).toBe(outcome)
})
