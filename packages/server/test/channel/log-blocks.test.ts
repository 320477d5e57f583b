// Whoever reads a log in shared blocks gets what a reader of his own would get.
import {
  type Change,
  createRowCodec,
  hasReached,
  holdsPosition,
  isSamePosition,
  type Position,
} from '@dnr/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { viewChange } from '../../src/channel/change-view.ts'
import { blockAfter, createLogBlocks, type LogBlock, markGrown } from '../../src/channel/log-blocks.ts'
import { Task } from '../support/entities.ts'

const codec = createRowCodec(Task)

const template = {
  entity: 'Task',
  id: 'a',
  operation: 'updated',
  mutationId: null,
  actor: null,
  at: 0,
  last: true,
} as const

/** A log of one entity among others, in two epochs, that is read a few changes at a time. */
function createLog(limit: number) {
  const changes: Change[] = []
  const log = {
    head: 0,
    floor: 0,
    reads: 0,
    secondFrom: Number.POSITIVE_INFINITY,
    positionOf: (offset: number): Position => ({ epoch: offset < log.secondFrom ? 'e1' : 'e2', offset }),
    append(isOurs: boolean): void {
      log.head++
      const position = log.positionOf(log.head)
      const row = { id: 'a', version: log.head, team: 'red', title: 'x', secret: '', due: null }
      if (isOurs)
        changes.push({
          ...template,
          version: log.head,
          before: row,
          after: row,
          position,
          transaction: log.head,
        })
    },
    holds(after: Position): boolean {
      const epochs = [{ epoch: 'e1', firstOffset: 1 }]
      if (log.secondFrom <= log.head) epochs.push({ epoch: 'e2', firstOffset: log.secondFrom })
      return holdsPosition(epochs, log.head, after)
    },
    after: (position: Position): Change[] => changes.filter((each) => !hasReached(position, each.position)),
    async read(after: Position): Promise<LogBlock | null> {
      log.reads++
      if (!log.holds(after) || after.offset < log.floor) return null
      const wanted = log.after(after)
      const more = wanted.length > limit
      const page = wanted.slice(0, limit)
      const position = more ? (page.at(-1) as Change).position : log.positionOf(log.head)
      return {
        after,
        views: page.map((change) => viewChange(change, codec, 0)),
        position,
        more,
        isCut: false,
        readAt: 0,
      }
    },
  }
  return log
}

type Step =
  | { readonly do: 'append'; readonly ours: boolean; readonly count: number }
  | { readonly do: 'read'; readonly at: number; readonly epoch: string }
  | { readonly do: 'begin epoch' }
  | { readonly do: 'trim' }

const doing = <Name extends Step['do']>(name: Name): fc.Arbitrary<Name> => fc.constant(name)

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: doing('append'),
      ours: fc.boolean(),
      count: fc.integer({ min: 1, max: 200 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: doing('read'),
      at: fc.nat(1_000),
      epoch: fc.constantFrom('e1', 'e2', 'e3'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: doing('begin epoch') }) },
  { weight: 1, arbitrary: fc.record({ do: doing('trim') }) },
)

test('a block tells what stands in the log after a position that holds, and nothing of one that does not', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 30 }),
      fc.integer({ min: 1, max: 150 }),
      async (steps, limit) => {
        const log = createLog(limit)
        const blocks = createLogBlocks()
        for (const each of steps) {
          if (each.do === 'append') {
            for (let count = 0; count < each.count; count++) log.append(each.ours || count % 3 === 0)
            markGrown(blocks)
          } else if (each.do === 'begin epoch') log.secondFrom = Math.min(log.secondFrom, log.head + 1)
          else if (each.do === 'trim') log.floor = Math.floor(log.head / 2)
          else {
            const after = { epoch: each.epoch, offset: Math.floor((each.at / 1_000) * (log.head + 1)) }
            const found = await blockAfter(blocks, after, log.read)
            // What has been read stays true when the log is trimmed under it.
            if (log.holds(after) && after.offset >= log.floor) expect(found).not.toBeNull()
            if (!log.holds(after)) expect(found).toBeNull()
            if (found === null) continue
            const { block, from } = found
            const views = block.views.slice(from)
            const expected = log.after(after).filter((change) => hasReached(block.position, change.position))
            expect(views.map(({ change }) => change.position)).toEqual(
              expected.map(({ position }) => position),
            )
            expect(log.holds(block.position)).toBe(true)
            if (!block.more) expect(log.after(block.position)).toEqual([])
            else
              expect(hasReached(after, block.position) && !isSamePosition(after, block.position)).toBe(false)
          }
        }
      },
    ),
    { numRuns: 300 },
  )
})

test('readers who stand near each other share one read', async () => {
  const log = createLog(512)
  for (let count = 0; count < 400; count++) log.append(true)
  const blocks = createLogBlocks()
  const found = await Promise.all(
    [10, 20, 30, 300].map((offset) => blockAfter(blocks, log.positionOf(offset), log.read)),
  )
  expect(found.map((each) => each?.from)).toEqual([10, 20, 30, 300])
  expect(found[0]?.block.views).toHaveLength(400)
  expect(log.reads).toBe(1)
})

test('so do they where rows are so large that a block has few changes', async () => {
  const log = createLog(40)
  for (let count = 0; count < 400; count++) log.append(true)
  const blocks = createLogBlocks()
  const from = (offset: number) => blockAfter(blocks, log.positionOf(offset), log.read)
  const found = await Promise.all([100, 110, 120].map(from))
  expect(found.map((each) => each?.block.views[each.from]?.change.position.offset)).toEqual([101, 111, 121])
  // The first told how long blocks are here.
  expect(log.reads).toBe(2)
  await from(105)
  await from(200)
  await from(210)
  expect(log.reads).toBe(3)
})

test('a read that was under way when the channel heard something is not the end of the log for others', async () => {
  const log = createLog(512)
  for (let count = 0; count < 100; count++) log.append(true)
  const blocks = createLogBlocks()
  const first = blockAfter(blocks, log.positionOf(1), log.read)
  markGrown(blocks)
  // Whoever asked before has collected what was heard.
  expect((await first)?.block.more).toBe(false)
  expect((await blockAfter(blocks, log.positionOf(2), log.read))?.block.more).toBe(true)
})
