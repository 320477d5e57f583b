import { createManualClock, drainMicrotasks } from '@dnr/testing'
import { expect, test } from 'vitest'
import { createTurns, inTurns } from '../../src/channel/turns.ts'

const HALF = 600_000

test('steps run at once until a turn is full, the others in the next turns, in the order of the calls', async () => {
  const clock = createManualClock()
  const turns = createTurns(clock)
  const ran: number[] = []
  const step = async (name: number) =>
    turns.run(
      async () => void ran.push(name),
      () => HALF,
    )
  const all = Promise.all([1, 2, 3, 4, 5].map(step))
  await drainMicrotasks()
  // Those that were under way when the turn was full go on.
  expect(ran).toEqual([1, 2, 3, 4, 5])
  await all
  const next = Promise.all([6, 7, 8].map(step))
  await drainMicrotasks()
  expect(ran).toHaveLength(5)
  await clock.advance(1)
  await next
  expect(ran).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
})

test('four steps are under way at once, and one that fails makes room', async () => {
  const turns = createTurns(createManualClock())
  const ends: ((error: Error) => void)[] = []
  let begun = 0
  const step = async () =>
    turns.run(
      () => {
        begun++
        return new Promise<void>((_resolve, reject) => void ends.push(reject))
      },
      () => 0,
    )
  const results = Promise.allSettled(Array.from({ length: 6 }, step))
  await drainMicrotasks()
  expect(begun).toBe(4)
  ends[3]?.(new Error('no'))
  await drainMicrotasks()
  expect(begun).toBe(5)
  await drainMicrotasks()
  for (const end of ends) end(new Error('no'))
  await drainMicrotasks()
  for (const end of ends) end(new Error('no'))
  expect((await results).every(({ status }) => status === 'rejected')).toBe(true)
})

test('a turn ends when its time is over, and the next begins when the event loop has been elsewhere', async () => {
  let passedMs = 0
  const later: (() => void)[] = []
  const turns = createTurns({
    ...createManualClock(),
    monotonic: () => passedMs,
    setTimeout: (callback) => {
      later.push(callback)
      return () => {}
    },
  })
  const ran: number[] = []
  const step = async (name: number) =>
    turns.run(
      async () => {
        ran.push(name)
        passedMs++
      },
      () => 0,
    )
  const all = Promise.all(Array.from({ length: 9 }, (_, name) => step(name)))
  await drainMicrotasks()
  expect(ran).toEqual([0, 1])
  later.shift()?.()
  await drainMicrotasks()
  // Four may be under way before the first of them says how long it took.
  expect(ran).toEqual([0, 1, 2, 3, 4, 5])
  later.shift()?.()
  await all
  expect(ran).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
})

test('a process that is kept waiting for longer than a turn goes on all the same', async () => {
  let nowMs = 0
  const clock = createManualClock()
  // Ten milliseconds pass between any two looks at the clock.
  const turns = createTurns({ ...clock, monotonic: () => (nowMs += 10) })
  const ran: number[] = []
  const all = [1, 2, 3].map(async (name) =>
    turns.run(
      async () => void ran.push(name),
      () => 0,
    ),
  )
  for (let turn = 0; turn < 5; turn++) {
    await drainMicrotasks()
    await clock.advance(1)
  }
  expect(ran).toEqual([1, 2, 3])
  await Promise.all(all)
})

test('who goes on comes before those who begin', async () => {
  const clock = createManualClock()
  const turns = createTurns(clock)
  const ran: string[] = []
  const step = async (name: string, stepsBefore: number) =>
    turns.run(
      async () => void ran.push(name),
      () => 2 * HALF,
      stepsBefore,
    )
  const first = step('a', 0)
  await drainMicrotasks()
  const all = Promise.all([first, step('b', 0), step('c', 0), step('a, on', 1)])
  await clock.advance(1)
  expect(ran.slice(0, 2)).toEqual(['a', 'a, on'])
  await clock.advance(3)
  await all
  expect(ran).toEqual(['a', 'a, on', 'b', 'c'])
})

test('who has had many steps comes after those who begin', async () => {
  const clock = createManualClock()
  const turns = createTurns(clock)
  const ran: string[] = []
  const step = async (name: string, stepsBefore: number) =>
    turns.run(
      async () => void ran.push(name),
      () => 2 * HALF,
      stepsBefore,
    )
  const first = step('a', 7)
  await drainMicrotasks()
  const all = Promise.all([first, step('b', 0), step('a, on', 8), step('c', 7)])
  await clock.advance(4)
  await all
  expect(ran).toEqual(['a', 'c', 'b', 'a, on'])
})

test('what is at hand is done at once, and the event loop turns between two steps of one reader', async () => {
  const clock = createManualClock()
  const turns = createTurns(clock)
  const step = (stepsBefore: number) =>
    turns.run(
      () => 'done',
      () => 0,
      stepsBefore,
    )
  expect(step(0)).toBe('done')
  expect(step(0)).toBe('done')
  const next = step(1)
  let answer: string | null = null
  void Promise.resolve(next).then((value) => (answer = value))
  await drainMicrotasks()
  expect(answer).toBeNull()
  await clock.advance(1)
  expect(answer).toBe('done')
})

test('a step that throws at once makes room', () => {
  const turns = createTurns(createManualClock())
  const fail = () =>
    turns.run(
      () => {
        throw new Error('no')
      },
      () => 0,
    )
  for (let step = 0; step < 6; step++) expect(fail).toThrow('no')
})

test('it is crowded where many wait for time, not where they wait for a store', async () => {
  const clock = createManualClock()
  const turns = createTurns(clock)
  const ends: (() => void)[] = []
  const slow = () => new Promise<void>((resolve) => void ends.push(resolve))
  const waiting = Array.from({ length: 40 }, async () => turns.run(slow, () => 0))
  await drainMicrotasks()
  expect(turns.isCrowded).toBe(false)
  for (const end of ends) end()
  await drainMicrotasks()
  // The time of the manual clock stands still, so that all of them get their turn in this one.
  while (ends.length < 40) {
    for (const end of ends) end()
    await drainMicrotasks()
  }
  for (const end of ends) end()
  await Promise.all(waiting)

  const quick = Array.from({ length: 40 }, async () =>
    turns.run(
      async () => {},
      () => 2 * HALF,
    ),
  )
  await drainMicrotasks()
  expect(turns.isCrowded).toBe(true)
  await clock.advance(40)
  await Promise.all(quick)
  expect(turns.isCrowded).toBe(false)
})

test('what is handed out in turns is closed when its reader stops early', async () => {
  let isClosed = false
  async function* numbers(): AsyncGenerator<number, void, undefined> {
    try {
      for (let n = 1; ; n++) yield n
    } finally {
      isClosed = true
    }
  }
  const seen: number[] = []
  for await (const n of inTurns(numbers(), createTurns(createManualClock()), () => 1)) {
    seen.push(n)
    if (n === 3) break
  }
  expect(seen).toEqual([1, 2, 3])
  expect(isClosed).toBe(true)
})
