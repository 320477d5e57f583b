import { afterEach, expect, test, vi } from 'vitest'
import { systemClock } from '../src/system-clock.ts'

afterEach(() => {
  vi.useRealTimers()
})

test('now is the wall clock', () => {
  vi.useFakeTimers({ now: 1_700_000_000_000 })
  expect(systemClock.now()).toBe(1_700_000_000_000)
})

test('monotonic grows with time', () => {
  vi.useFakeTimers()
  const before = systemClock.monotonic()
  vi.advanceTimersByTime(250)
  expect(systemClock.monotonic() - before).toBe(250)
})

test('calls back once, after the delay', () => {
  vi.useFakeTimers()
  const callback = vi.fn()
  systemClock.setTimeout(callback, 100)
  vi.advanceTimersByTime(99)
  expect(callback).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1_000)
  expect(callback).toHaveBeenCalledTimes(1)
})

test('cancelling twice, or after the call, is harmless', () => {
  vi.useFakeTimers()
  const cancelled = vi.fn()
  const called = vi.fn()
  const cancel = systemClock.setTimeout(cancelled, 100)
  const cancelLate = systemClock.setTimeout(called, 100)
  cancel()
  cancel()
  vi.advanceTimersByTime(100)
  cancelLate()
  expect([cancelled.mock.calls.length, called.mock.calls.length]).toEqual([0, 1])
})

test('a delay that the host cannot hold does not fire at once', () => {
  vi.useFakeTimers()
  const callback = vi.fn()
  const cancel = systemClock.setTimeout(callback, Infinity)
  vi.advanceTimersByTime(86_400_000)
  expect(callback).not.toHaveBeenCalled()
  cancel()
})
