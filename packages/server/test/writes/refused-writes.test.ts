import { createManualClock } from '@dnr/testing'
import { expect, test } from 'vitest'
import { createRefusedWrites, nextArrival } from '../../src/writes/refused-writes.ts'

test('what was refused to a later arrival is overtaken for earlier ones alone, of that user and that id', () => {
  const [first, second, third] = [nextArrival(), nextArrival(), nextArrival()]
  const refused = createRefusedWrites(createManualClock())
  refused.note('ann', 'm1', second)
  refused.note('ann', 'm1', first)
  expect([first, second, third].map((arrival) => refused.isOvertaken('ann', 'm1', arrival))).toEqual([
    true,
    false,
    false,
  ])
  expect(refused.isOvertaken('ann', 'm2', first)).toBe(false)
  expect(refused.isOvertaken('bob', 'm1', first)).toBe(false)
})

test('is kept ten minutes at least, and forgotten with the next refusal after that', async () => {
  const clock = createManualClock()
  const refused = createRefusedWrites(clock)
  refused.note('ann', 'm1', 2)
  await clock.advance(599_999)
  refused.note('bob', 'm1', 2)
  expect(refused.isOvertaken('ann', 'm1', 1)).toBe(true)
  await clock.advance(1)
  refused.note('bob', 'm2', 2)
  expect(refused.isOvertaken('ann', 'm1', 1)).toBe(false)
})

test('what was stored after all is overtaken no more', () => {
  const refused = createRefusedWrites(createManualClock())
  for (const id of ['m1', 'm2']) refused.note('ann', id, 2)
  refused.forget('ann', 'm1')
  refused.forget('bob', 'm2')
  expect(['m1', 'm2'].map((id) => refused.isOvertaken('ann', id, 1))).toEqual([false, true])
})

test('keeps the last thousand of a user', () => {
  const refused = createRefusedWrites(createManualClock())
  for (let write = 0; write <= 1_000; write++) refused.note('ann', `m${write}`, 2)
  expect(['m0', 'm1', 'm1000'].map((id) => refused.isOvertaken('ann', id, 1))).toEqual([false, true, true])
})
