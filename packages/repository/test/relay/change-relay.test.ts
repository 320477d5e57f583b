import type { Change, LogGap } from '@dnr/protocol'
import { createManualClock } from '@dnr/testing'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ChangeSource, startChangeRelay } from '../../src/index.ts'
import { codeOf, openTasks, temporaryFile } from '../support/database.ts'

/** A sink that remembers, and fails when told to. */
function createSink() {
  const transactions: (readonly Change[])[] = []
  const sink = {
    transactions,
    failures: 0,
    attempts: 0,
    ids: () => transactions.flat().map(({ id }) => id),
    offsets: () => transactions.flat().map(({ position }) => position.offset),
    publish(transaction: readonly Change[]): void | Promise<void> {
      sink.attempts++
      if (sink.failures > 0) {
        sink.failures--
        throw new Error('not now')
      }
      transactions.push(transaction)
    },
  }
  return sink
}

test('what is committed after the start comes in order, as whole transactions', async () => {
  await using open = await openTasks()
  await open.tasks.create({ id: 'before', title: 'x' })
  const sink = createSink()
  const relay = startChangeRelay(open.database.changeLog, sink)
  await Promise.all(['a', 'b'].map((id) => open.tasks.create({ id, title: 'x' })))
  await open.database.transaction(async (tx) => {
    await open.tasks.within(tx).update('a', { title: 'y' })
    await open.tasks.within(tx).delete('b')
  })
  await relay.flush()
  expect(
    sink.transactions.map((changes) => changes.map(({ id, operation, last }) => [id, operation, last])),
  ).toEqual([
    [['a', 'created', true]],
    [['b', 'created', true]],
    [
      ['a', 'updated', false],
      ['b', 'deleted', true],
    ],
  ])
})

test('what comes from memory is what the log holds', async () => {
  await using open = await openTasks()
  const start = await open.database.changeLog.head()
  const sink = createSink()
  const relay = open.database.startRelay(sink)
  const { id } = await open.tasks.create({ title: 'x' }, { principal: { id: 'u' }, mutationId: 'm' })
  await open.tasks.update(id, { title: 'y' })
  await open.tasks.delete(id)
  await relay.flush()
  expect(await open.database.changeLog.read({ after: start, entity: 'Task', limit: 9 })).toMatchObject({
    changes: sink.transactions.flat(),
  })
})

test('nobody can change a row under way by changing the one they were handed', async () => {
  await using open = await openTasks()
  const sink = createSink()
  const relay = open.database.startRelay(sink)
  const created = await open.tasks.create({ title: 'x' })
  Object.assign(created, { title: 'changed by the caller' })
  await relay.flush()
  expect(sink.transactions[0]?.[0]?.after).toMatchObject({ title: 'x' })
})

test('nothing is published before COMMIT', async () => {
  using file = temporaryFile()
  await using open = await openTasks({ path: file.path })
  await using other = await openTasks({ path: file.path })
  const seen: boolean[] = []
  const relay = open.database.startRelay({
    async publish([change]) {
      seen.push((await other.tasks.get(change?.id ?? '')) !== null)
    },
  })
  await Promise.all([open.tasks.create({ title: 'a' }), open.tasks.create({ title: 'b' })])
  await relay.flush()
  expect(seen).toEqual([true, true])
})

test('a sink that throws gets the same transaction again, later ones wait, and writes go on', async () => {
  const clock = createManualClock()
  const errors: string[] = []
  const logger = { error: (message: string) => void errors.push(message), info: () => {}, debug: () => {} }
  await using open = await openTasks({ clock, logger, random: () => 0.5 })
  const sink = createSink()
  sink.failures = 3
  const relay = open.database.startRelay(sink)
  await open.tasks.create({ id: 'a', title: 'x' })
  await open.tasks.create({ id: 'b', title: 'x' })
  expect(sink.ids()).toEqual([])
  await clock.advance(1_000)
  await relay.flush()
  expect(sink.ids()).toEqual(['a', 'b'])
  expect(sink.attempts).toBe(5)
  expect(errors).toHaveLength(3)
})

test('a slow sink gets one transaction at a time, and flush waits for it', async () => {
  await using open = await openTasks()
  let busy = 0
  let most = 0
  const relay = open.database.startRelay({
    async publish() {
      most = Math.max(most, ++busy)
      await new Promise((resolve) => void setImmediate(resolve))
      busy--
    },
  })
  await Promise.all(Array.from({ length: 20 }, () => open.tasks.create({ title: 'x' })))
  await relay.flush()
  expect([busy, most]).toEqual([0, 1])
})

test('writes of another process on the same file are noticed within the polling time', async () => {
  using file = temporaryFile()
  const clock = createManualClock()
  await using here = await openTasks({ path: file.path, clock })
  await using there = await openTasks({ path: file.path })
  const sink = createSink()
  const relay = here.database.startRelay(sink)
  await here.tasks.create({ id: 'mine', title: 'x' })
  await there.tasks.create({ id: 'theirs', title: 'x' })
  await relay.flush()
  await there.tasks.create({ id: 'noticed', title: 'x' })
  expect(sink.ids()).toEqual(['mine', 'theirs'])
  await clock.advance(100)
  expect(sink.ids()).toEqual(['mine', 'theirs', 'noticed'])
})

test('notices that got lost delay changes for a second at most, and lose none', async () => {
  using file = temporaryFile()
  const clock = createManualClock()
  const told: string[] = []
  const logger = { error: () => {}, info: (message: string) => void told.push(message), debug: () => {} }
  await using here = await openTasks({ path: file.path, clock, logger })
  await using there = await openTasks({ path: file.path })
  const { source } = here.database.changeLog
  let isDeaf = true
  const deafSource: ChangeSource = {
    ...source,
    follow: (follower) =>
      source.follow({
        ...follower,
        committed: (transactions) => isDeaf || follower.committed(transactions),
      }),
    foreignVersion: () => (isDeaf ? 0 : source.foreignVersion()),
  }
  const sink = createSink()
  const relay = startChangeRelay({ source: deafSource }, sink)
  await relay.flush()
  await here.tasks.create({ id: 'mine', title: 'x' })
  await there.tasks.create({ id: 'theirs', title: 'x' })
  await clock.advance(900)
  expect(sink.ids()).toEqual([])
  await clock.advance(100)
  expect(sink.ids()).toEqual(['mine', 'theirs'])
  expect(told).toHaveLength(1)

  // What was told goes on from what the watchdog found.
  await here.tasks.create({ id: 'unheard', title: 'x' })
  isDeaf = false
  await here.tasks.create({ id: 'heard', title: 'x' })
  await relay.flush()
  await clock.advance(5_000)
  expect(sink.ids()).toEqual(['mine', 'theirs', 'unheard', 'heard'])
  expect(told).toHaveLength(1)
  await relay.stop()
})

test('a database in memory is not polled, and a stopped relay leaves no timer', async () => {
  using file = temporaryFile()
  const clock = createManualClock()
  await using memory = await openTasks({ clock })
  memory.database.startRelay(createSink())
  expect(clock.pendingTimers).toBe(0)
  await using open = await openTasks({ path: file.path, clock })
  const relay = open.database.startRelay(createSink())
  expect(clock.pendingTimers).toBe(1)
  await relay.stop()
  await relay.stop()
  expect(clock.pendingTimers).toBe(0)
})

test('a sink far behind is served from the log, without gap or repetition', async () => {
  await using open = await openTasks()
  const sink = createSink()
  let release = (): void => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  const relay = open.database.startRelay({
    async publish(transaction) {
      await held
      await sink.publish(transaction)
    },
  })
  for (let round = 0; round < 12; round++) {
    await Promise.all(Array.from({ length: 500 }, () => open.tasks.create({ title: 'x' })))
  }
  release()
  await relay.flush()
  expect(sink.offsets()).toEqual(Array.from({ length: 6_000 }, (_, index) => index + 1))
})

test('two processes, any interleaving, sinks that fail: every change once and in order', async () => {
  const steps = fc.array(
    fc.record({
      who: fc.constantFrom(0, 1),
      count: fc.integer({ min: 1, max: 3 }),
      fails: fc.nat({ max: 1 }),
      tick: fc.boolean(),
    }),
    { minLength: 1, maxLength: 12 },
  )
  await fc.assert(
    fc.asyncProperty(steps, async (plan) => {
      using file = temporaryFile()
      const clock = createManualClock()
      await using a = await openTasks({ path: file.path, clock, synchronous: 'normal', random: () => 0.1 })
      await using b = await openTasks({ path: file.path, clock, synchronous: 'normal', random: () => 0.1 })
      const sinks = [createSink(), createSink()]
      const relays = [a.database.startRelay(sinks[0] as never), b.database.startRelay(sinks[1] as never)]
      let written = 0
      for (const { who, count, fails, tick } of plan) {
        for (const sink of sinks) sink.failures = fails
        const tasks = who === 0 ? a.tasks : b.tasks
        await Promise.all(Array.from({ length: count }, () => tasks.create({ title: 'x' })))
        written += count
        if (tick) await clock.advance(100)
      }
      for (const sink of sinks) sink.failures = 0
      await clock.advance(10_000)
      await Promise.all(relays.map((relay) => relay.flush()))
      for (const sink of sinks)
        expect(sink.offsets()).toEqual(Array.from({ length: written }, (_, index) => index + 1))
    }),
    { numRuns: 25 },
  )
})

test('trimming leaves what a relay has not delivered', async () => {
  const clock = createManualClock()
  await using open = await openTasks({ clock, random: () => 0.5 })
  const sink = createSink()
  sink.failures = 1
  const relay = open.database.startRelay(sink)
  await open.tasks.create({ id: 'a', title: 'x' })
  expect((await open.database.changeLog.trim({ keep: 0 })).removedChanges).toBe(0)
  await clock.advance(1_000)
  await relay.flush()
  expect((await open.database.changeLog.trim({ keep: 0 })).removedChanges).toBe(1)
})

test('a stopped relay publishes nothing more, and its flushes are refused', async () => {
  const clock = createManualClock()
  await using open = await openTasks({ clock })
  const sink = createSink()
  sink.failures = Number.POSITIVE_INFINITY
  const relay = open.database.startRelay(sink)
  await open.tasks.create({ title: 'x' })
  const flushed = codeOf(relay.flush())
  await clock.advance(100)
  await relay.stop()
  const { attempts } = sink
  await open.tasks.create({ title: 'y' })
  await clock.advance(10_000)
  expect(await flushed).toBe('closed')
  expect(await codeOf(relay.flush())).toBe('closed')
  expect(sink.attempts).toBe(attempts)
})

test('a relay started while a transaction is open gets that transaction', async () => {
  await using open = await openTasks()
  const sink = createSink()
  let relay: ReturnType<typeof startChangeRelay> | undefined
  await open.database.transaction(async (tx) => {
    await open.tasks.within(tx).create({ id: 'a', title: 'x' })
    relay = open.database.startRelay(sink)
  })
  await relay?.flush()
  expect(sink.ids()).toEqual(['a'])
})

type Opened = Awaited<ReturnType<typeof openTasks>>

/** What a sink was told, in order. */
function createTalkativeSink() {
  const told: string[] = []
  const sink = {
    told,
    failures: 0,
    restores: 0,
    publish: (transaction: readonly Change[]) =>
      void told.push(transaction.map(({ position }) => position.offset).join('+')),
    skipTo({ position: { offset }, isOtherHistory = false }: LogGap) {
      if (sink.failures-- > 0) throw new Error('not now')
      if (isOtherHistory) sink.restores++
      told.push(`skip to ${offset}`)
    },
  }
  return sink
}

/** Two processes with one file; nothing of the other's is noticed before the clock moves. */
async function openBoth(path: string) {
  const clock = createManualClock()
  const errors: string[] = []
  const logger = { error: (message: string) => void errors.push(message), info: () => {}, debug: () => {} }
  const [here, there] = [
    await openTasks({ path, clock, logger, random: () => 0.5 }),
    await openTasks({ path }),
  ]
  return {
    clock,
    errors,
    here,
    there,
    async [Symbol.asyncDispose]() {
      await here[Symbol.asyncDispose]()
      await there[Symbol.asyncDispose]()
    },
  }
}

test('a sink is told where its relay begins, before anything else', async () => {
  await using open = await openTasks()
  await open.tasks.create({ title: 'x' })
  const late = createTalkativeSink()
  const first = open.database.startRelay(late)
  await first.flush()
  await first.stop()
  await open.tasks.create({ title: 'x' })
  const early = createTalkativeSink()
  const second = open.database.startRelay(early)
  await Promise.all([open.tasks.create({ title: 'x' }), open.tasks.create({ title: 'x' })])
  await second.flush()
  expect([late.told, early.told]).toEqual([['skip to 1'], ['skip to 2', '3', '4']])
})

test.each([
  [0, ['skip to 0', 'skip to 3', '4']],
  [1, ['skip to 0', 'skip to 2', '3', '4']],
])(
  'what another process trimmed (to the last %i) is told as a gap, once, in its place',
  async (keep, told) => {
    using file = temporaryFile()
    await using both = await openBoth(file.path)
    const { clock, here, there, errors } = both
    const sink = createTalkativeSink()
    const relay = here.database.startRelay(sink)
    await relay.flush()
    for (const id of ['a', 'b', 'c']) await there.tasks.create({ id, title: 'x' })
    await there.database.changeLog.trim({ keep })
    await clock.advance(5_000)
    await relay.flush()
    await there.tasks.create({ id: 'd', title: 'x' })
    await clock.advance(5_000)
    expect(sink.told).toEqual(told)
    expect(errors).toHaveLength(1)
  },
)

test('a sink that cannot take the news of a gap gets it again before anything that follows', async () => {
  using file = temporaryFile()
  await using both = await openBoth(file.path)
  const { clock, here, there } = both
  const sink = createTalkativeSink()
  const relay = here.database.startRelay(sink)
  await relay.flush()
  sink.failures = 2
  await there.tasks.create({ title: 'x' })
  await there.database.changeLog.trim({ keep: 0 })
  await there.tasks.create({ title: 'x' })
  await clock.advance(100)
  expect(sink.told).toEqual(['skip to 0'])
  await clock.advance(1_000)
  await relay.flush()
  expect(sink.told).toEqual(['skip to 0', 'skip to 1', '2'])
})

test('what this process has committed itself is no gap, whoever trimmed it', async () => {
  using file = temporaryFile()
  await using both = await openBoth(file.path)
  const { clock, here, there } = both
  const sink = createTalkativeSink()
  let release = (): void => {}
  const relay = here.database.startRelay({
    skipTo: sink.skipTo,
    async publish(transaction) {
      if (transaction[0]?.position.offset === 1) await new Promise<void>((resolve) => (release = resolve))
      sink.publish(transaction)
    },
  })
  await relay.flush()
  for (const id of ['a', 'b']) await here.tasks.create({ id, title: 'x' })
  await there.database.changeLog.trim({ keep: 0 })
  release()
  await clock.advance(1_000)
  expect(sink.told).toEqual(['skip to 0', '1', '2'])
})

test('a sink that cannot be told of a gap gets what follows, and flush ends', async () => {
  using file = temporaryFile()
  await using both = await openBoth(file.path)
  const { here, there } = both
  const sink = createSink()
  const relay = here.database.startRelay(sink)
  await relay.flush()
  for (const id of ['a', 'b']) await there.tasks.create({ id, title: 'x' })
  await there.database.changeLog.trim({ keep: 1 })
  await relay.flush()
  expect(sink.ids()).toEqual(['b'])
})

/** Puts a copy of the file back over it, as `.restore` does. */
async function copyDatabase(from: string, to: string): Promise<void> {
  const handle = new Database(from)
  await handle.backup(to)
  handle.close()
}

/** A backup is put back that lacks what the other process has written since, and what this one has read. */
async function loseWrites(
  { directory, path }: ReturnType<typeof temporaryFile>,
  { here, there }: Awaited<ReturnType<typeof openBoth>>,
  writes: number,
): Promise<void> {
  const copy = `${directory}/backup.db`
  await copyDatabase(path, copy)
  for (let count = 0; count < writes; count++) await there.tasks.create({ title: 'lost' })
  await here.tasks.snapshot()
  await copyDatabase(copy, path)
}

test('a backup that is put back is told also when this process has written beyond its end before anybody looked', async () => {
  using file = temporaryFile()
  const copy = `${file.directory}/backup.db`
  const clock = createManualClock()
  await using here = await openTasks({ path: file.path, clock })
  const sink = createTalkativeSink()
  const relay = here.database.startRelay(sink)
  await here.tasks.create({ title: 'kept' })
  await copyDatabase(file.path, copy)
  for (let count = 0; count < 3; count++) await here.tasks.create({ title: 'lost' })
  await relay.flush()
  await copyDatabase(copy, file.path)
  for (let count = 0; count < 5; count++) await here.tasks.create({ title: 'new' })
  await clock.advance(1_000)
  await relay.flush()
  const [skip, ...others] = sink.told.slice(5)
  const begun = Number(skip?.replace('skip to ', ''))
  expect(begun).toBeGreaterThan(1)
  expect(others).toEqual(['2', '3', '4', '5', '6'].slice(begun - 1))
})

test('a position that this process has heard of is not used again by its first write after a backup was put back', async () => {
  using file = temporaryFile()
  const copy = `${file.directory}/backup.db`
  await using here = await openTasks({ path: file.path })
  await using there = await openTasks({ path: file.path })
  const relay = here.database.startRelay(createSink())
  await here.tasks.create({ title: 'kept' })
  await there.tasks.create({ title: 'kept' })
  await copyDatabase(file.path, copy)
  for (let count = 0; count < 3; count++) await there.tasks.create({ title: 'lost' })
  const lost = await here.database.changeLog.head()
  await relay.flush()
  await copyDatabase(copy, file.path)
  for (let count = 0; count < 5; count++) await here.tasks.create({ title: 'new' })
  for (const offset of [3, 4, 5])
    expect(
      await here.database.changeLog.read({ after: { ...lost, offset }, entity: 'Task', limit: 10 }),
    ).toMatchObject({ holds: false })
})

test.each([
  ['a list', async ({ tasks }: Opened) => (await tasks.snapshot()).position],
  ['the head', async ({ database }: Opened) => database.changeLog.head()],
  [
    'a written answer',
    async ({ tasks }: Opened) => (await tasks.updateMany({ where: {} }, { title: 'lost' })).position,
  ],
])('a backup is told although only %s had told of what it lacks, and the relay had not', async (_, tell) => {
  using file = temporaryFile()
  const copy = `${file.directory}/backup.db`
  await using both = await openBoth(file.path)
  const { clock, here, there } = both
  const sink = createTalkativeSink()
  let release = (): void => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  const relay = here.database.startRelay({
    // As anybody would wrap it: what there is to know comes along.
    skipTo: (gap) => sink.skipTo(gap),
    publish: (transaction) => held.then(() => sink.publish(transaction)),
  })
  await relay.flush()
  await there.tasks.create({ title: 'kept' })
  await clock.advance(1_000)
  await copyDatabase(file.path, copy)
  await there.tasks.create({ title: 'lost' })
  const told = await tell(here)
  await copyDatabase(copy, file.path)
  release()
  await clock.advance(1_000)
  expect(sink.told.at(-1)).toBe('skip to 1')
  expect(sink.restores).toBe(1)
  expect(await here.database.changeLog.read({ after: told, entity: 'Task', limit: 10 })).toMatchObject({
    holds: false,
  })
})

test('every relay tells of a backup once, also when a write of this process was the first to meet it', async () => {
  using file = temporaryFile()
  await using both = await openBoth(file.path)
  const { clock, here, there, errors } = both
  await there.tasks.create({ title: 'kept' })
  const sinks = [createTalkativeSink(), createTalkativeSink()]
  for (const sink of sinks) await here.database.startRelay(sink).flush()
  await loseWrites(file, both, 3)
  await here.tasks.create({ title: 'new' })
  await clock.advance(5_000)
  await here.tasks.create({ title: 'newer' })
  await clock.advance(5_000)
  for (const { told } of sinks) expect(told).toEqual(['skip to 1', 'skip to 2', '3'])
  expect(errors).toHaveLength(2)
})

test.each([
  ['begun with a write', async ({ tasks }: Opened) => void (await tasks.create({ title: 'new' }))],
  ['only noticed by a read', async ({ tasks }: Opened) => void (await tasks.snapshot())],
])('a relay that starts after a backup was put back, which was %s, misses nothing', async (_, notice) => {
  using file = temporaryFile()
  await using both = await openBoth(file.path)
  const { clock, here, there, errors } = both
  await there.tasks.create({ title: 'kept' })
  await loseWrites(file, both, 1)
  await notice(here)
  const sinks = [createSink(), createSink()]
  const relays = [here.database.startRelay(sinks[0] as ReturnType<typeof createSink>)]
  await relays[0]?.flush()
  // The second one hears of a write before it has read where the log ends.
  relays.push(here.database.startRelay(sinks[1] as ReturnType<typeof createSink>))
  await here.tasks.create({ id: 'a', title: 'newer' })
  await there.tasks.create({ id: 'b', title: 'of another process' })
  await clock.advance(1_000)
  await Promise.all(relays.map((relay) => relay.flush()))
  for (const sink of sinks) expect(sink.ids()).toEqual(['a', 'b'])
  expect(errors).toEqual([])
})

test('a relay whose start is the first to meet a backup that was put back misses nothing', async () => {
  using file = temporaryFile()
  await using both = await openBoth(file.path)
  const { clock, here, there, errors } = both
  await there.tasks.create({ title: 'kept' })
  await loseWrites(file, both, 1)
  const sink = createTalkativeSink()
  const begun = Promise.withResolvers<void>()
  here.database.startRelay({ ...sink, skipTo: (gap) => begun.resolve(sink.skipTo(gap)) })
  await begun.promise
  await there.tasks.create({ title: 'of another process' })
  await here.tasks.create({ title: 'newer' })
  await clock.advance(1_000)
  expect(sink.told).toEqual(['skip to 1', '2', '3'])
  expect(errors).toEqual([])
})
