import { expect, test } from 'vitest'
import { createRowMoves } from '../../src/channel/row-moves.ts'

test('each read knows what the log told of since it began, however often', () => {
  const moves = createRowMoves()
  moves.note('before')
  const first = moves.begin()
  moves.note('a')
  const second = moves.begin()
  moves.note('b')
  expect(['before', 'a', 'b'].filter(first.has)).toEqual(['a', 'b'])
  expect(['before', 'a', 'b'].filter(second.has)).toEqual(['b'])
  moves.note('a')
  expect(['before', 'a', 'b'].filter(second.has)).toEqual(['a', 'b'])
})

test('what ends takes nothing from the others', () => {
  const moves = createRowMoves()
  const first = moves.begin()
  moves.note('a')
  const second = moves.begin()
  moves.note('b')
  first.end()
  expect(['a', 'b'].filter(second.has)).toEqual(['b'])
  const third = moves.begin()
  moves.note('c')
  second.end()
  expect(['a', 'b', 'c'].filter(third.has)).toEqual(['c'])
})
