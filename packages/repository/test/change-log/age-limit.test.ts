import { createManualClock, type ManualClock } from '@dnr/testing'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { type OpenTasks, openTasks, temporaryFile } from '../support/database.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const NOON = 1_700_000_000_000

/** Opens the file as a process does whose wall clock says `now`. */
async function openAt(path: string, now: number): Promise<OpenTasks & { readonly clock: ManualClock }> {
  const clock = createManualClock({ now, monotonic: 500.25 })
  return { ...(await openTasks({ path, clock, checkOnOpen: false })), clock }
}

const write = ({ tasks }: OpenTasks, mutationId = 'once') =>
  tasks.mutate({ operation: 'create', fields: { title: 'x' } }, { mutationId })

const isKnown = async (open: OpenTasks, mutationId?: string): Promise<boolean> =>
  (await write(open, mutationId)).replayed

const trim = ({ database }: OpenTasks, options = {}) => database.changeLog.trim(options)

test('F22 a clock that was set forward while nobody ran makes neither an answer nor a change old', async () => {
  using file = temporaryFile()
  {
    await using open = await openAt(file.path, NOON)
    await write(open)
  }
  await using open = await openAt(file.path, NOON + 2 * DAY_MS)
  expect(await trim(open, { maxAgeMs: DAY_MS })).toMatchObject({ removedChanges: 0, removedMutations: 0 })
  expect(await isKnown(open)).toBe(true)
})

test('F22 a clock that is set forward while somebody runs makes no change old', async () => {
  using file = temporaryFile()
  await using open = await openAt(file.path, NOON)
  await write(open)
  open.clock.setNow(NOON + 2 * DAY_MS)
  expect((await trim(open, { maxAgeMs: DAY_MS })).removedChanges).toBe(0)
  await open.clock.advance(DAY_MS + 1)
  expect((await trim(open, { maxAgeMs: DAY_MS })).removedChanges).toBe(1)
})

/** Runs servers of `hours` each, one after the other and days apart, which trim at their start and every hour. */
async function restartUntilForgotten(path: string, hours: number): Promise<number> {
  let now = NOON
  let ranHours = 0
  for (;;) {
    await using open = await openAt(path, now)
    if (ranHours === 0) await write(open)
    await open.tasks.create({ title: 'another' })
    for (let hour = 0; hour <= hours; hour++) {
      if (hour > 0) await open.clock.advance(HOUR_MS)
      const { removedChanges, removedMutations } = await trim(open, { maxAgeMs: DAY_MS })
      expect(removedMutations).toBe(Math.min(removedChanges, 1))
      if (removedMutations > 0) return ranHours + hour
    }
    ranHours += hours
    now = open.clock.now() + 5 * DAY_MS
    if (ranHours > 100) throw new Error('never forgotten')
  }
}

test.each([1, 5, 12])(
  'where no server runs for longer than %i h, a day is 24 hours in which one ran',
  async (hours) => {
    using file = temporaryFile({ inMemory: true })
    const ranHours = await restartUntilForgotten(file.path, hours)
    expect(ranHours).toBeGreaterThanOrEqual(24)
    expect(ranHours).toBeLessThanOrEqual(26)
  },
)

test('an hour in which two processes run is one', async () => {
  using file = temporaryFile({ inMemory: true })
  let now = NOON
  // Each runs for less than a day, so that neither can tell by itself.
  for (let run = 0; run < 2; run++) {
    await using one = await openAt(file.path, now)
    await using two = await openAt(file.path, now)
    if (run === 0) await write(one)
    for (let hour = 0; hour < 11; hour++) {
      await one.tasks.create({ title: 'another' })
      for (const open of [one, two]) {
        await open.clock.advance(HOUR_MS)
        expect((await trim(open)).removedMutations).toBe(0)
      }
    }
    now = one.clock.now() + DAY_MS
  }
  await using last = await openAt(file.path, now)
  expect(await isKnown(last)).toBe(true)
})

test('a script that trims knows how long the servers have run that write', async () => {
  using file = temporaryFile({ inMemory: true })
  await using server = await openAt(file.path, NOON)
  const nightly = async (): Promise<boolean> => {
    await using script = await openAt(file.path, server.clock.now())
    await trim(script)
    return isKnown(script)
  }
  await write(server)
  for (let hour = 0; hour < 24; hour++) {
    await server.clock.advance(HOUR_MS)
    await write(server, `in-hour-${hour}`)
  }
  expect(await nightly()).toBe(true)
  for (let hour = 24; hour < 28; hour++) {
    await server.clock.advance(HOUR_MS)
    await write(server, `in-hour-${hour}`)
  }
  expect(await nightly()).toBe(false)
})

/** After how many hours a script has trimmed the first change of a server that writes every five minutes; a week at most. */
async function hoursUntilTrimmed(path: string, everyMinutes: number, atMinute: number): Promise<number> {
  await using server = await openAt(path, NOON)
  await write(server)
  for (let minute = 1; minute < (7 * DAY_MS) / MINUTE_MS; minute++) {
    await server.clock.advance(MINUTE_MS)
    if (minute % 5 === 0) await server.tasks.create({ title: 'another' })
    if (minute % everyMinutes !== atMinute) continue
    await using script = await openAt(path, server.clock.now())
    if ((await trim(script, { maxAgeMs: DAY_MS })).removedChanges > 0) return minute / 60
  }
  return Number.POSITIVE_INFINITY
}

test.each([
  { everyMinutes: 60, atMinute: 5 },
  { everyMinutes: 60, atMinute: 55 },
  { everyMinutes: 7, atMinute: 0 },
])(
  'a script that trims every $everyMinutes min, at $atMinute, throws away nothing that a server has yet to note',
  async ({ everyMinutes, atMinute }) => {
    using file = temporaryFile({ inMemory: true })
    const hours = await hoursUntilTrimmed(file.path, everyMinutes, atMinute)
    expect(hours).toBeGreaterThanOrEqual(24)
    expect(hours).toBeLessThanOrEqual(26)
  },
)

test('what a server notes late makes nothing old that was written in the meantime', async () => {
  using file = temporaryFile({ inMemory: true })
  await using server = await openAt(file.path, NOON)
  await trim(server)
  // It says nothing for most of a day; then others write and trim, and it notes all of that.
  await server.clock.advance(23 * HOUR_MS)
  await using script = await openAt(file.path, server.clock.now())
  await write(script)
  await trim(script)
  await script.clock.advance(HOUR_MS + MINUTE_MS)
  await trim(script)
  await server.clock.advance(HOUR_MS + MINUTE_MS)
  await server.tasks.create({ title: 'another' })
  await server.clock.advance(2 * HOUR_MS)
  await server.tasks.create({ title: 'another' })
  await using last = await openAt(file.path, server.clock.now())
  expect((await trim(last, { maxAgeMs: DAY_MS })).removedChanges).toBe(0)
  expect(await isKnown(last)).toBe(true)
})

test.each([
  { runMinutes: 9, breakMinutes: 1 },
  { runMinutes: 15, breakMinutes: 105 },
])(
  'where each process runs for $runMinutes min, after $breakMinutes without one, these are what counts',
  async ({ runMinutes, breakMinutes }) => {
    using file = temporaryFile({ inMemory: true })
    let now = NOON
    let ranMinutes = 0
    for (let removed = 0; removed === 0 && ranMinutes < 1000; ranMinutes += runMinutes) {
      await using open = await openAt(file.path, now)
      await open.tasks.create({ title: 'another' })
      await open.clock.advance(runMinutes * MINUTE_MS)
      removed = (await trim(open, { maxAgeMs: 6 * HOUR_MS })).removedChanges
      now = open.clock.now() + breakMinutes * MINUTE_MS
    }
    expect(ranMinutes).toBeGreaterThanOrEqual(6 * 60)
    expect(ranMinutes).toBeLessThanOrEqual(8 * 60)
  },
)

test('a clock that is set back and forward again makes no answer old that was written in between', async () => {
  using file = temporaryFile({ inMemory: true })
  await using open = await openAt(file.path, NOON)
  await open.clock.advance(25 * HOUR_MS)
  await trim(open)
  const now = open.clock.now()
  open.clock.setNow(now - 2 * DAY_MS)
  await write(open)
  open.clock.setNow(now)
  await open.clock.advance(MINUTE_MS)
  expect((await trim(open)).removedMutations).toBe(0)
  expect(await isKnown(open)).toBe(true)
})

test('a clock that is set forward again and again, by less than a minute, makes no answer old', async () => {
  using file = temporaryFile({ inMemory: true })
  await using open = await openAt(file.path, NOON)
  await open.clock.advance(25 * HOUR_MS)
  await write(open)
  for (let minutes = 0; minutes < (25 * HOUR_MS) / MINUTE_MS; minutes++) {
    open.clock.setNow(open.clock.now() + MINUTE_MS - 1)
    await trim(open)
  }
  expect(await isKnown(open)).toBe(true)
})

test('what changed nothing stands where the log ended, and its answer is no older than the next change', async () => {
  using file = temporaryFile({ inMemory: true })
  const bulk = async ({ tasks }: OpenTasks) => {
    const { position } = await tasks.updateMany(
      { where: { title: 'nobody' } },
      { title: 'y' },
      { mutationId: 'bulk' },
    )
    return position.offset
  }
  let now = NOON
  for (let run = 0; run < 4; run++) {
    await using open = await openAt(file.path, now)
    if (run === 0) await write(open)
    await trim(open)
    // Written a moment ago, at the offset at which the log ended when the mark was made.
    if (run === 3) expect(await bulk(open)).toBe(1)
    await open.clock.advance(10 * HOUR_MS)
    await trim(open)
    now = open.clock.now()
  }
  await using open = await openAt(file.path, now)
  await write(open, 'next')
  await trim(open)
  expect(await bulk(open)).toBe(1)
})

test('ten thousand hours are remembered', async () => {
  using file = temporaryFile({ inMemory: true })
  await using open = await openAt(file.path, NOON)
  const other = new Database(file.path)
  other
    .prepare(
      `WITH RECURSIVE hours (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM hours WHERE n < 20000)
      INSERT INTO dnr_log_ages SELECT n * 3600000 - 80000000000, 0 FROM hours`,
    )
    .run()
  await trim(open)
  expect(other.prepare('SELECT count(*) FROM dnr_log_ages').pluck().get()).toBe(10_000)
  other.close()
})
