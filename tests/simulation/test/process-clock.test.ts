import { createManualClock } from '@dnr/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createProcessClock } from '../src/world/process-clock.ts'

test('a process that works is ahead of the world, which catches up', async () => {
  const world = createManualClock()
  const clock = createProcessClock(world, 2)
  expect([clock.monotonic(), clock.monotonic(), clock.monotonic()]).toEqual([0, 2, 4])
  await world.advance(100)
  expect(clock.monotonic()).toBe(100)
})

test('a timer of a process that is ahead fires when the world has come there', async () => {
  const world = createManualClock()
  const clock = createProcessClock(world, 5)
  clock.monotonic()
  const firedAt: number[] = []
  clock.setTimeout(() => firedAt.push(world.monotonic()), 0)
  clock.setTimeout(() => firedAt.push(world.monotonic()), 7)
  await world.advance(4)
  expect(firedAt).toEqual([])
  await world.advance(96)
  expect(firedAt).toEqual([5, 12])
})

/** However times are rounded: who looks whether it is due, and waits for the rest, is done after few looks. */
test('nobody waits for a moment for ever', async () => {
  const anyMs = fc.double({ min: 0, max: 100_000, noNaN: true })
  await fc.assert(
    fc.asyncProperty(anyMs, anyMs, fc.constantFrom(0, 0.1, 0.7, 2.3), async (startMs, delayMs, workMs) => {
      const world = createManualClock({ monotonic: startMs })
      const clock = createProcessClock(world, workMs)
      const dueMark = clock.monotonic() + delayMs
      let looks = 0
      let isOver = false
      const look = (): void => {
        if (looks++ > 3) return
        const now = clock.monotonic()
        if (now >= dueMark) isOver = true
        else clock.setTimeout(look, dueMark - now)
      }
      look()
      await world.advance(delayMs + 10)
      expect([isOver, world.pendingTimers]).toEqual([true, 0])
    }),
  )
})

test('a suspended process hears its timers late, a dead one never', async () => {
  const world = createManualClock()
  const clock = createProcessClock(world)
  const fired: number[] = []
  for (const ms of [10, 50]) clock.setTimeout(() => fired.push(ms), ms)
  clock.suspend()
  await world.advance(20)
  expect(fired).toEqual([])
  clock.resume()
  await world.advance(1)
  expect(fired).toEqual([10])
  clock.kill()
  await world.advance(100)
  expect(fired).toEqual([10])
})
