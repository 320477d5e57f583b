// Members of a group share what is made of a block of the log; each gets what a reader of their own would get.
import type { Change, Clock, Position } from '@dnr/protocol'
import { createManualClock, drainMicrotasks } from '@dnr/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { knownEntities } from '../../src/channel/entities.ts'
import { createHistoryReader, forgetHeard } from '../../src/channel/history-reader.ts'
import type { ReplayPage } from '../../src/channel/replay-page.ts'
import type { ChannelEntry, Group } from '../../src/channel/subscription.ts'
import { createGrant } from '../../src/policy/grant.ts'
import { prepareFrame, prepareRun } from '../../src/transport/prepare-frame.ts'
import type { HistoryRequest } from '../../src/ports/change-history.ts'
import { Task } from '../support/entities.ts'
import { createMemoryStore, type MemoryStore, task, type Write } from '../support/memory-store.ts'
import { idleDoubts } from '../support/idle-doubts.ts'

const MAX_RUN_BYTES = 4_000

interface ReadingOptions {
  readonly history: MemoryStore['history']
  readonly clock: Clock
  /** Of a record's channel. */
  readonly id: string
}

/** What waits for the event loop to turn goes on at once. */
const hastyClock: Clock = {
  ...createManualClock(),
  setTimeout(callback) {
    queueMicrotask(callback)
    return () => {}
  },
}

function createReading(
  memory: MemoryStore,
  { history = memory.history, clock = hastyClock, id }: Partial<ReadingOptions> = {},
) {
  const entities = knownEntities([memory.store], { allowancesByEntity: new Map() })
  const reader = createHistoryReader({
    history,
    entities,
    clock,
    maxRunBytes: MAX_RUN_BYTES,
  })
  const doubts = idleDoubts()
  const channel: ChannelEntry = {
    name: id === undefined ? 'entity:Task' : `entity:Task:${id}`,
    channel: id === undefined ? { kind: 'entity', entity: 'Task' } : { kind: 'record', entity: 'Task', id },
    groups: [],
    pace: null,
    held: null,
    opening: 1,
    blocks: null,
  }
  const newGroup = (): Group => ({
    channel,
    key: 'k',
    grant: createGrant(
      Task,
      { key: 'red', sees: ({ team }: { team: string }) => team === 'red' },
      '',
      () => {},
    ),
    where: null,
    subscription: undefined,
    memberKey: 'entity:Task',
    members: [],
    index: 0,
    shown: null,
    doubt: null,
    doubts,
    muted: 1,
    opening: 1,
    reading: null,
  })
  return { reader, newGroup }
}

const write: fc.Arbitrary<Write> = fc.record({
  id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  row: fc.oneof(
    { weight: 12, arbitrary: fc.constant(task('red')) },
    { weight: 2, arbitrary: fc.constant(task('blue')) },
    { weight: 1, arbitrary: fc.constant(null) },
  ),
})

/** Rows that are seen at the end, so that blocks may be shared, in half of the logs. */
const logs = fc.record({
  transactions: fc.array(fc.array(write, { minLength: 1, maxLength: 3 }), { minLength: 70, maxLength: 140 }),
  endsVisible: fc.boolean(),
  pageChanges: fc.integer({ min: 64, max: 120 }),
  begins: fc.array(fc.nat(), { minLength: 4, maxLength: 12 }),
})

function fill(memory: MemoryStore, transactions: readonly (readonly Write[])[], endsVisible: boolean): void {
  for (const writes of transactions)
    memory.write(
      writes.filter(({ id, row }, index) => {
        const isFirst = writes.findIndex((other) => other.id === id) === index
        return isFirst && (row !== null || memory.rows.has(id))
      }),
    )
  if (endsVisible) for (const id of ['a', 'b', 'c', 'd', 'e']) memory.write([{ id, row: task('red') }])
}

/** Where a reader can be: transactions are applied whole. */
function ends({ log }: MemoryStore): Position[] {
  return [{ epoch: 'e1', offset: 0 }, ...log.filter(({ last }) => last).map(({ position }) => position)]
}

function told(page: ReplayPage) {
  if (!page.holds) return page
  const { runs, position, more } = page
  const bytes = Buffer.concat(runs.map(prepareRun))
  expect(bytes.equals(Buffer.concat(runs.flatMap(({ frames }) => frames.map(prepareFrame))))).toBe(true)
  for (const { frames, byteLength } of runs)
    expect(byteLength).toBe(frames.reduce((sum, frame) => sum + frame.byteLength, 0))
  return { texts: runs.flatMap(({ frames }) => frames.map(({ text }) => text)), position, more }
}

test('who shares a block with others of a group is told what a reader of their own is told', async () => {
  let shared = 0
  await fc.assert(
    fc.asyncProperty(logs, async ({ transactions, endsVisible, pageChanges, begins }) => {
      const memory = createMemoryStore({ pageChanges })
      fill(memory, transactions, endsVisible)
      const { reader, newGroup } = createReading(memory)
      const group = newGroup()
      const places = ends(memory)
      // Once each: who asks for the same again gets what was made of an earlier block.
      for (const place of new Set(begins.map((begin) => begin % places.length))) {
        const after = places[place] as Position
        const page = await reader.page(group, after, false)
        if (page.holds && page.runs.some(({ endOf }) => endOf !== undefined)) shared++
        expect(told(page)).toEqual(told(await reader.page(newGroup(), after, false)))
      }
    }),
    { numRuns: 100 },
  )
  expect(shared).toBeGreaterThan(20)
})

test('a long block is read in slices, and others have their turn in between', async () => {
  const memory = createMemoryStore()
  for (let n = 0; n < 700; n++) memory.write([{ id: `r${n}`, row: task('red') }])
  let reads = 0
  const turns: (() => void)[] = []
  const history = {
    head: () => memory.history.head(),
    read: (request: HistoryRequest) => (reads++, memory.history.read(request)),
  }
  const clock: Clock = {
    ...hastyClock,
    setTimeout(callback) {
      turns.push(callback)
      return () => {}
    },
  }
  const { reader, newGroup } = createReading(memory, { history, clock })
  const reading = reader.page(newGroup(), { epoch: 'e1', offset: 0 }, false)
  for (let slice = 1; slice <= 3; slice++) {
    await drainMicrotasks()
    expect([reads, turns.length]).toEqual([slice, 1])
    turns.shift()?.()
  }
  expect(told(await reading)).toMatchObject({ texts: { length: 512 }, position: { offset: 512 }, more: true })
  expect([reads, turns.length]).toEqual([4, 0])
})

test('a block is made anew when the group has heard of one of its rows', async () => {
  const memory = createMemoryStore({ pageChanges: 80 })
  for (let n = 0; n < 100; n++)
    memory.write([{ id: n % 2 === 0 ? 'a' : 'b', row: { ...task('red'), title: `${n}` } }])
  const { reader, newGroup } = createReading(memory)
  const group = newGroup()
  const page = (offset: number) => reader.page(group, { epoch: 'e1', offset }, false)
  await page(10)
  const before = told(await page(20))
  expect(before).toMatchObject({ texts: { length: 60 } })
  const [change] = memory.write([{ id: 'a', row: task('blue') }])
  forgetHeard(group, (change as Change).id)
  await page(30)
  const after = told(await page(40))
  // The forty changes from 41 to 80 without those of the row that is hidden by now.
  expect(after).toMatchObject({ texts: { length: 20 } })
  expect(JSON.stringify(after)).not.toContain('\\"id\\":\\"a\\"')
})

test('who begins behind the last change of a shared block is told nothing of it', async () => {
  const memory = createMemoryStore()
  for (let n = 0; n < 70; n++) memory.write([{ id: 'a', row: { ...task('red'), title: `${n}` } }])
  for (let n = 0; n < 10; n++) memory.write([{ id: 'b', row: { ...task('red'), title: `${n}` } }])
  const { reader, newGroup } = createReading(memory, { id: 'a' })
  const group = newGroup()
  for (const [offset, length] of [
    [0, 70],
    [60, 10],
    [70, 0],
    [72, 0],
    [75, 0],
  ] as const)
    expect(told(await reader.page(group, { epoch: 'e1', offset }, false))).toMatchObject({
      texts: { length },
    })
})

test('a row that was gone when an earlier page was made, and was made again since, is told though nobody has heard of it', async () => {
  const memory = createMemoryStore({ pageChanges: 1 })
  const quietly = { publish: false }
  for (const row of [task('red'), null, task('red')]) memory.write([{ id: 'a', row }], quietly)
  memory.write([{ id: 'a', row: null }], quietly)
  const { reader, newGroup } = createReading(memory)
  const group = newGroup()
  const page = async (offset: number) => told(await reader.page(group, { epoch: 'e1', offset }, false))
  expect(await page(0)).toMatchObject({ texts: [], more: true })
  memory.write([{ id: 'a', row: task('red') }], quietly)
  memory.write([{ id: 'b', row: task('red') }], quietly)
  expect(await page(4)).toMatchObject({ texts: { length: 1 }, more: true })
})
