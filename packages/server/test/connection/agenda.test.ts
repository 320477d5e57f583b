import { createManualClock } from '@dnr/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createAgenda } from '../../src/connection/agenda.ts'

test('each item comes once, at its own moment, with one timer for all', async () => {
  const clock = createManualClock()
  const due: string[] = []
  const agenda = createAgenda<string>(clock, (item) => due.push(`${item} ${clock.now() - start}`))
  const start = clock.now()
  agenda.set('c', start + 300)
  agenda.set('a', start + 100)
  agenda.set('b', start + 200)
  expect(clock.pendingTimers).toBe(1)
  await clock.advance(1_000)
  expect(due).toEqual(['a 100', 'b 200', 'c 300'])
  expect(clock.pendingTimers).toBe(0)
})

test('an item has one moment: the latest', async () => {
  const clock = createManualClock()
  const due: number[] = []
  const agenda = createAgenda<string>(clock, () => due.push(clock.now()))
  const start = clock.now()
  agenda.set('a', start + 100)
  agenda.set('a', start + 500)
  await clock.advance(1_000)
  expect(due).toEqual([start + 500])
})

test('whatever is noted and taken back, each comes in the order of time and nothing is forgotten', async () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('set' as const),
      item: fc.nat(20),
      afterMs: fc.integer({ min: 1, max: 5_000 }),
    }),
    fc.record({ kind: fc.constant('delete' as const), item: fc.nat(20), afterMs: fc.constant(0) }),
    fc.record({
      kind: fc.constant('wait' as const),
      item: fc.constant(0),
      afterMs: fc.integer({ min: 1, max: 900 }),
    }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
      const clock = createManualClock()
      const wanted = new Map<number, number>()
      const wrong: string[] = []
      let last = 0
      const agenda = createAgenda<number>(clock, (item) => {
        const at = wanted.get(item)
        if (at !== clock.now() || at < last) wrong.push(`${item} at ${clock.now()}, wanted at ${at}`)
        last = clock.now()
        wanted.delete(item)
      })
      for (const { kind, item, afterMs } of steps) {
        if (kind === 'wait') await clock.advance(afterMs)
        else if (kind === 'delete') {
          agenda.delete(item)
          wanted.delete(item)
        } else {
          agenda.set(item, clock.now() + afterMs)
          wanted.set(item, clock.now() + afterMs)
        }
      }
      await clock.advance(5_000)
      expect(wrong).toEqual([])
      expect([...wanted]).toEqual([])
      expect(clock.pendingTimers).toBe(0)
    }),
    { numRuns: 200 },
  )
})

test('who takes the place of one that was taken back may be earlier than those around it', async () => {
  const clock = createManualClock()
  const due: number[] = []
  const agenda = createAgenda<number>(clock, (item) => due.push(item))
  const start = clock.now()
  for (const item of [1, 10, 2, 20, 21, 3, 4]) agenda.set(item, start + item)
  agenda.delete(20)
  for (const item of [50, 51, 52]) agenda.set(item, start + item)
  await clock.advance(60)
  expect(due).toEqual([1, 2, 3, 4, 10, 21, 50, 51, 52])
})

test('looks again every minute, for wall clocks are set right now and then', async () => {
  const clock = createManualClock()
  let wallMs = clock.now()
  const due: string[] = []
  const drifting = { ...clock, now: () => wallMs, setTimeout: clock.setTimeout.bind(clock) }
  const agenda = createAgenda<string>(drifting, (item) => due.push(item))
  agenda.set('a', wallMs + 3_600_000)
  wallMs += 3_600_000
  await clock.advance(60_000)
  expect(due).toEqual(['a'])
})

test('who looks finds what has come due because the wall clock was set forward, once, and nothing else', async () => {
  const clock = createManualClock()
  const due: string[] = []
  const agenda = createAgenda<string>(clock, (item) => due.push(item))
  agenda.set('a', clock.now() + 3_600_000)
  agenda.set('b', clock.now() + 7_200_000)
  agenda.look()
  expect(due).toEqual([])
  clock.setNow(clock.now() + 3_600_000)
  agenda.look()
  agenda.look()
  expect(due).toEqual(['a'])
  expect(clock.pendingTimers).toBe(1)
  agenda.stop()
  agenda.look()
  expect(clock.pendingTimers).toBe(0)
})

test('a moment beyond the longest timer of the host is no moment now', async () => {
  const clock = createManualClock()
  const due: string[] = []
  const agenda = createAgenda<string>(clock, (item) => due.push(item))
  agenda.set('a', clock.now() + 10 * 365 * 86_400_000)
  await clock.advance(3_600_000)
  expect(due).toEqual([])
  agenda.stop()
  expect(clock.pendingTimers).toBe(0)
})
