import { DnrError } from '@dnr/protocol'
import { expect, test } from 'vitest'
import { createManualClock } from '../../src/clock/manual-clock.ts'

test('stands still until it is moved, and moves both times', async () => {
  const clock = createManualClock({ now: 1_000, monotonic: 5 })
  expect([clock.now(), clock.monotonic()]).toEqual([1_000, 5])
  await clock.advance(250)
  expect([clock.now(), clock.monotonic()]).toEqual([1_250, 255])
})

test('fires timers by time, then by the order they were set', async () => {
  const clock = createManualClock()
  const fired: string[] = []
  clock.setTimeout(() => fired.push('late'), 20)
  clock.setTimeout(() => fired.push('first'), 10)
  clock.setTimeout(() => fired.push('second'), 10)
  clock.setTimeout(() => fired.push('never'), 21)
  await clock.advance(20)
  expect(fired).toEqual(['first', 'second', 'late'])
  expect([clock.pendingTimers, clock.nextTimerInMs]).toEqual([1, 1])
})

test('shows a callback the time that its timer was set for', async () => {
  const clock = createManualClock()
  const seen: number[] = []
  clock.setTimeout(() => seen.push(clock.monotonic()), 7)
  await clock.advance(100)
  expect(seen).toEqual([7])
  expect(clock.monotonic()).toBe(100)
})

test('runs the microtasks of a callback, and the timers they set, before it goes on', async () => {
  const clock = createManualClock()
  const fired: string[] = []
  clock.setTimeout(() => {
    void (async () => {
      for (let turn = 0; turn < 50; turn++) await Promise.resolve()
      clock.setTimeout(() => fired.push('inner'), 5)
    })()
  }, 10)
  clock.setTimeout(() => fired.push('outer'), 16)
  await clock.advance(20)
  expect(fired).toEqual(['inner', 'outer'])
})

test('sees timers that are set by microtasks waiting when it is moved', async () => {
  const clock = createManualClock()
  let fired = false
  void Promise.resolve().then(() => clock.setTimeout(() => (fired = true), 10))
  await clock.advance(10)
  expect(fired).toBe(true)
})

test('a cancelled timer does not fire, and cancelling again is harmless', async () => {
  const clock = createManualClock()
  const cancel = clock.setTimeout(() => expect.unreachable(), 10)
  cancel()
  cancel()
  await clock.advance(10)
  expect(clock.pendingTimers).toBe(0)
})

test('a callback may cancel a timer that is due at the same time', async () => {
  const clock = createManualClock()
  const fired: string[] = []
  const cancels: (() => void)[] = []
  clock.setTimeout(() => cancels.forEach((cancel) => cancel()), 10)
  cancels.push(clock.setTimeout(() => fired.push('second'), 10))
  await clock.advance(10)
  expect(fired).toEqual([])
})

test('two calls are carried out one after the other', async () => {
  const clock = createManualClock()
  await Promise.all([clock.advance(10), clock.advance(5)])
  expect(clock.monotonic()).toBe(15)
})

test('advance rejects with what a callback threw, and the clock still works', async () => {
  const clock = createManualClock()
  clock.setTimeout(() => {
    throw new Error('boom')
  }, 10)
  let fired = false
  clock.setTimeout(() => (fired = true), 11)
  await expect(clock.advance(20)).rejects.toThrow('boom')
  expect(clock.monotonic()).toBe(10)
  await clock.advance(1)
  expect(fired).toBe(true)
})

test.each([-1, Number.NaN, Infinity])('refuses to move by %s', async (ms) => {
  await expect(createManualClock().advance(ms)).rejects.toThrow(DnrError)
})

test('the wall clock can jump without a timer or a duration noticing', async () => {
  const clock = createManualClock()
  let fired = false
  clock.setTimeout(() => (fired = true), 1_000)
  clock.setNow(4_000_000_000_000)
  await clock.advance(10)
  expect([clock.now(), clock.monotonic(), fired]).toEqual([4_000_000_000_010, 10, false])
})

test.each([0, -5, Number.NaN])(
  'a delay of %s is due at once, but never inside setTimeout',
  async (delayMs) => {
    const clock = createManualClock()
    let fired = false
    clock.setTimeout(() => (fired = true), delayMs)
    expect(fired).toBe(false)
    await clock.advance(0)
    expect(fired).toBe(true)
  },
)
