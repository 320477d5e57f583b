import { expect, test } from 'vitest'
import { createManualClock, followTurns } from '../../src/index.ts'

test('it is quiet when turns of the event loop that start others are over', async () => {
  using turns = followTurns()
  const heard: number[] = []
  setImmediate(() => {
    heard.push(1)
    setImmediate(() => void Promise.resolve().then(() => setImmediate(() => heard.push(2))))
  })
  await turns.quiet()
  expect(heard).toEqual([1, 2])
})

test('a turn that is cleared is not waited for', async () => {
  using turns = followTurns()
  clearImmediate(setImmediate(() => expect.unreachable()))
  await turns.quiet()
})

test('a clock that settles by turns sees the timer that a turn sets', async () => {
  using turns = followTurns()
  const clock = createManualClock({ settle: turns.quiet })
  const fired: number[] = []
  clock.setTimeout(
    () => void setImmediate(() => clock.setTimeout(() => fired.push(clock.monotonic()), 5)),
    10,
  )
  await clock.advance(20)
  expect(fired).toEqual([15])
})

test('it gives setImmediate back', () => {
  const before = setImmediate
  followTurns()[Symbol.dispose]()
  expect(setImmediate).toBe(before)
})
