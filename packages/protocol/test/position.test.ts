import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  comparePositions,
  type EpochRange,
  formatPosition,
  hasReached,
  holdsPosition,
  isEpochNamed,
  isSamePosition,
  nameEpoch,
  parsePosition,
  type Position,
  readPosition,
} from '../src/position.ts'

const at = (epoch: string, offset: number): Position => ({ epoch, offset })
const epochs = (...ranges: readonly [epoch: string, firstOffset: number][]): EpochRange[] =>
  ranges.map(([epoch, firstOffset]) => ({ epoch, firstOffset }))

test.each([
  ['new', 'first', 'first-new'],
  ['new', 'first-second', 'first-new'],
  // From before names had parts: what cannot be read is not replaced.
  ['new', 'one-of-three', null],
  ['new', '-', null],
])('an epoch named %s that takes the place of %s is called %s', (own, empty, name) => {
  expect(nameEpoch(own, empty)).toBe(name)
  if (name !== null)
    expect([own, name, empty].map((epoch) => isEpochNamed(epoch, own))).toEqual([true, true, false])
})

describe('holdsPosition', () => {
  test.each<[story: string, epochs: EpochRange[], head: number, position: Position, holds: boolean]>([
    ['before anything was written', epochs(['a', 1]), 0, at('a', 0), true],
    ['at the head', epochs(['a', 1]), 10, at('a', 10), true],
    ['in the middle', epochs(['a', 1]), 10, at('a', 5), true],
    ['beyond the head', epochs(['a', 1]), 10, at('a', 11), false],
    ['of an epoch that nobody knows', epochs(['a', 1]), 10, at('z', 5), false],
    ['without any epoch', [], 0, at('a', 0), false],
    ['of the epoch before a restart, at its end', epochs(['a', 1], ['b', 11]), 20, at('a', 10), true],
    [
      'of the epoch before a restart, right where the new one stands',
      epochs(['a', 1], ['b', 11]),
      20,
      at('b', 10),
      true,
    ],
    ['of the new epoch, before it began', epochs(['a', 1], ['b', 11]), 20, at('b', 9), false],
    ['of the new epoch', epochs(['a', 1], ['b', 11]), 20, at('b', 15), true],
    ['from the middle epoch of three', epochs(['a', 1], ['b', 11], ['c', 16]), 20, at('b', 15), true],
    ['past the end of the middle epoch', epochs(['a', 1], ['b', 11], ['c', 16]), 20, at('b', 16), false],
    ['after restarts without a write between', epochs(['a', 1], ['b', 5], ['c', 5]), 4, at('b', 4), true],
    // The backup was taken at 5 and restored; the client had seen 8.
    ['from after a backup that was restored', epochs(['a', 1], ['b', 6]), 5, at('a', 8), false],
    [
      'from after a backup, once the log has grown past it',
      epochs(['a', 1], ['b', 6]),
      50,
      at('a', 8),
      false,
    ],
    ['from before the backup', epochs(['a', 1], ['b', 6]), 50, at('a', 5), true],
    // A power cut took 9 and 10, which a client had seen.
    ['in a tail that was lost', epochs(['a', 1], ['b', 9]), 8, at('a', 10), false],
    [
      'in a tail that was lost, once others have its offsets',
      epochs(['a', 1], ['b', 9]),
      30,
      at('a', 10),
      false,
    ],
    ['at the last change that survived', epochs(['a', 1], ['b', 9]), 30, at('a', 8), true],
    [
      'of an epoch that another replaced, where both began',
      epochs(['a', 1], ['b-d', 5]),
      9,
      at('b-c', 4),
      true,
    ],
    ['of the first of those that were replaced', epochs(['a', 1], ['b-d', 5]), 9, at('b', 4), true],
    ['of a replaced epoch, in a tail that was lost', epochs(['a', 1], ['b-d', 5]), 9, at('b-c', 5), false],
    ['of a replaced epoch, before it began', epochs(['a', 1], ['b-d', 5]), 9, at('b-c', 3), false],
    ['of an epoch that began there on another history', epochs(['a', 1], ['b-d', 5]), 9, at('e-c', 4), false],
    ['of an epoch whose name only begins like one', epochs(['a', 1], ['b-d', 5]), 9, at('bc', 4), false],
    ['of a name that was given when no name had parts', epochs(['a-b-c', 5]), 9, at('a-b-d', 4), false],
    ['of a log that was deleted and made anew', epochs(['n', 1]), 30, at('a', 10), false],
  ])('a position %s', (_story, ranges, head, position, holds) => {
    expect(holdsPosition(ranges, head, position)).toBe(holds)
  })

  test('holds every position that a reader of this history can have, and none of a branch that was cut off', () => {
    // A history: each incarnation writes some changes, then loses a tail of its own (power cut, restored backup).
    const incarnation = fc.record({ writes: fc.nat(6), lost: fc.nat(6) })
    fc.assert(
      fc.property(fc.array(incarnation, { minLength: 1, maxLength: 5 }), (history) => {
        const ranges: EpochRange[] = []
        const kept: Position[] = []
        const cut: Position[] = []
        let head = 0
        for (const [index, { writes, lost }] of history.entries()) {
          const epoch = `e${index}`
          const first = head + 1
          ranges.push({ epoch, firstOffset: first })
          const isLast = index === history.length - 1
          const survives = isLast ? writes : Math.max(writes - lost, 0)
          for (let offset = first; offset < first + writes; offset++) {
            const list = offset < first + survives ? kept : cut
            list.push(at(epoch, offset))
          }
          head = first + survives - 1
        }
        for (const position of kept) expect(holdsPosition(ranges, head, position)).toBe(true)
        for (const position of cut) expect(holdsPosition(ranges, head, position)).toBe(false)
      }),
    )
  })
})

describe('positions', () => {
  test('are ordered by offset and equal only in the same epoch', () => {
    expect(comparePositions(at('a', 1), at('b', 2))).toBeLessThan(0)
    expect(comparePositions(at('a', 2), at('b', 2))).toBe(0)
    expect(isSamePosition(at('a', 2), at('b', 2))).toBe(false)
    expect(isSamePosition(at('a', 2), at('a', 2))).toBe(true)
    expect([hasReached(at('a', 2), at('a', 2)), hasReached(at('a', 1), at('a', 2))]).toEqual([true, false])
  })

  test('survive being written as text', () => {
    const position = fc.record({ epoch: fc.stringMatching(/^[\w-]{1,64}$/), offset: fc.maxSafeNat() })
    fc.assert(
      fc.property(position, (value) => {
        expect(parsePosition(formatPosition(value))).toEqual({ ok: true, value })
      }),
    )
  })

  test.each([
    '',
    ':',
    'a:',
    ':1',
    'a:-1',
    'a:1.5',
    'a:1e3',
    'a b:1',
    'a:1:2',
    'a:9007199254740993',
    'a:99999999999999999',
    `${'a'.repeat(65)}:1`,
    'a:1\n',
  ])('text %j is none', (text) =>
    expect(parsePosition(text)).toMatchObject({ ok: false, code: 'bad_message' }),
  )

  test.each([
    null,
    undefined,
    1,
    'a:1',
    [],
    {},
    { epoch: 'a' },
    { offset: 1 },
    { epoch: 1, offset: 1 },
    { epoch: '', offset: 1 },
    { epoch: 'a', offset: '1' },
    { epoch: 'a', offset: -1 },
    { epoch: 'a', offset: 0.5 },
    { epoch: 'a', offset: Number.NaN },
    { epoch: 'a', offset: 2 ** 53 },
    { epoch: 'ä', offset: 1 },
  ])('value %j is none', (value) =>
    expect(readPosition(value)).toMatchObject({ ok: false, code: 'bad_message' }),
  )

  test('drop fields that are not theirs', () => {
    expect(readPosition({ epoch: 'a', offset: 1, extra: true })).toEqual({ ok: true, value: at('a', 1) })
  })
})
