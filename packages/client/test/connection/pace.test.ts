import { createManualClock } from '@dnr/testing'
import { expect, test } from 'vitest'
import { createPace } from '../../src/connection/pace.ts'

function setUp() {
  const clock = createManualClock()
  const errors: unknown[] = []
  const pace = createPace(clock, (call) => {
    try {
      call()
    } catch (error) {
      errors.push(error)
    }
  })
  const sent: number[] = []
  const passAll = (from: number, to: number): void => {
    for (let n = from; n < to; n++) pace.pass(() => sent.push(n), false)
  }
  return { clock, pace, sent, passAll, errors }
}

test('sends at once what the burst allows, and the rest in order below the rate', async () => {
  const { clock, pace, sent, passAll } = setUp()
  pace.begin({ maxMessagesPerSecond: 50, maxMessageBurst: 200 })
  passAll(0, 600)
  expect(sent).toHaveLength(180)
  for (let second = 1; second <= 8; second++) {
    await clock.advance(1_000)
    expect(sent.length).toBeLessThanOrEqual(200 + second * 50)
  }
  await clock.advance(1_000)
  expect(sent).toEqual(Array.from({ length: 600 }, (_, n) => n))
  expect(clock.pendingTimers).toBe(0)
})

test('the allowance comes back with time, up to the burst', async () => {
  const { clock, pace, sent, passAll } = setUp()
  pace.begin({ maxMessagesPerSecond: 10, maxMessageBurst: 20 })
  passAll(0, 18)
  await clock.advance(60_000)
  passAll(18, 40)
  expect(sent).toHaveLength(36)
})

test('what is urgent does not wait, and counts', () => {
  const { pace, sent, passAll } = setUp()
  pace.begin({ maxMessagesPerSecond: 10, maxMessageBurst: 10 })
  for (let n = 0; n < 5; n++) pace.pass(() => sent.push(-1), true)
  passAll(0, 9)
  pace.pass(() => sent.push(-2), true)
  expect(sent).toEqual([-1, -1, -1, -1, -1, 0, 1, 2, 3, -2])
})

test.each([
  undefined,
  {},
  { maxMessagesPerSecond: 50 },
  { maxMessagesPerSecond: null, maxMessageBurst: 200 },
  { maxMessagesPerSecond: 50, maxMessageBurst: null },
])('without a rate nothing waits, not even after a refusal: %o', (limits) => {
  const { clock, pace, sent, passAll } = setUp()
  pace.begin(limits)
  pace.exhaust()
  passAll(0, 1_000)
  expect([sent.length, clock.pendingTimers]).toEqual([1_000, 0])
})

test('a refusal of the server empties the allowance; a new connection fills it, and nothing of the old one is sent', async () => {
  const { clock, pace, sent, passAll } = setUp()
  pace.begin({ maxMessagesPerSecond: 10, maxMessageBurst: 10 })
  pace.exhaust()
  passAll(0, 5)
  expect(sent).toEqual([])
  await clock.advance(106)
  expect(sent).toEqual([0])
  pace.begin({ maxMessagesPerSecond: 10, maxMessageBurst: 10 })
  await clock.advance(10_000)
  passAll(5, 7)
  expect(sent).toEqual([0, 5, 6])
})

test('after a refusal of the server the allowance comes back from then on, however long nothing was sent before', async () => {
  const { clock, pace, sent, passAll } = setUp()
  pace.begin({ maxMessagesPerSecond: 10, maxMessageBurst: 10 })
  passAll(0, 1)
  await clock.advance(60_000)
  pace.exhaust()
  passAll(1, 4)
  expect(sent).toEqual([0])
  await clock.advance(106)
  expect(sent).toEqual([0, 1])
})

test('a send that throws stops none behind it', () => {
  const { pace, sent, passAll, errors } = setUp()
  pace.begin({ maxMessagesPerSecond: 10, maxMessageBurst: 10 })
  pace.pass(() => {
    throw new Error('broken')
  }, false)
  passAll(0, 1)
  expect([sent, errors.length]).toEqual([[0], 1])
})
