import type { Change, ChangeSink } from '@dnr/protocol'
import { type ContractCase, same } from './contract.ts'

/** A sink under test, and what it has let through. */
export interface SinkFixture {
  readonly sink: ChangeSink
  /** Offsets of the changes that came out of it, in that order. */
  delivered(): readonly number[]
  /** How often it has said that changes are missing. */
  gaps(): number
}

/** What every sink keeps that tells others of changes: at least once in, once out. Its log stands at offset 0 of epoch `e`. */
export const sinkContract: readonly ContractCase<() => SinkFixture | Promise<SinkFixture>>[] = [
  {
    name: 'transactions come out whole and in order',
    async run(make) {
      const { sink, delivered } = await make()
      await sink.publish(transaction(1, 2))
      await sink.publish(transaction(3))
      same(delivered(), [1, 2, 3], 'delivered')
    },
  },
  {
    name: 'a transaction that comes again is dropped',
    async run(make) {
      const { sink, delivered } = await make()
      await sink.publish(transaction(1, 2))
      await sink.publish(transaction(1, 2))
      await sink.publish(transaction(3))
      await sink.publish(transaction(1, 2))
      same(delivered(), [1, 2, 3], 'delivered')
    },
  },
  {
    name: 'a transaction in parts comes out in order, each part once, however often one comes',
    async run(make) {
      const { sink, delivered } = await make()
      await sink.publish(transaction(1))
      const [first, second] = [transaction(2, 3, 4).slice(0, 2), transaction(2, 3, 4).slice(2)]
      for (const part of [first, first, second, second]) await sink.publish(part)
      await sink.publish(transaction(5))
      same(delivered(), [1, 2, 3, 4, 5], 'delivered')
    },
  },
  {
    name: 'offsets may jump, which alone is no gap',
    async run(make) {
      const { sink, delivered, gaps } = await make()
      await sink.publish(transaction(4))
      await sink.publish(transaction(9, 10))
      same([delivered(), gaps()], [[4, 9, 10], 0], 'delivered, gaps')
    },
  },
  {
    name: 'where a relay begins is no gap when everything up to there has been delivered',
    async run(make) {
      const { sink, delivered, gaps } = await make()
      await sink.skipTo?.({ position: { epoch: 'e', offset: 0 } })
      await sink.publish(transaction(1))
      await sink.skipTo?.({ position: { epoch: 'f', offset: 1 } })
      await sink.publish(transaction(2))
      same([delivered(), gaps()], [[1, 2], 0], 'delivered, gaps')
    },
  },
  {
    name: 'a gap is told by skipTo, once; what it passes is not delivered any more, and what follows is',
    async run(make) {
      const { sink, delivered, gaps } = await make()
      await sink.publish(transaction(1))
      await sink.skipTo?.({ position: { epoch: 'e', offset: 4 } })
      await sink.skipTo?.({ position: { epoch: 'e', offset: 4 } })
      await sink.publish(transaction(3, 4))
      await sink.publish(transaction(5))
      same([delivered(), gaps()], [[1, 5], 1], 'delivered, gaps')
    },
  },
  {
    name: 'a backup that was put back is one gap, however often it is told, and its offsets are delivered anew',
    async run(make) {
      const { sink, delivered, gaps } = await make()
      await sink.publish(transaction(1))
      await sink.publish(transaction(2, 3))
      await sink.skipTo?.({ position: { epoch: 'f', offset: 1 }, isOtherHistory: true })
      await sink.skipTo?.({ position: { epoch: 'f', offset: 1 }, isOtherHistory: true })
      await sink.publish(inEpoch('f', transaction(2)))
      same([delivered(), gaps()], [[1, 2, 3, 2], 1], 'delivered, gaps')
    },
  },
  {
    name: 'an empty transaction does no harm',
    async run(make) {
      const { sink, delivered } = await make()
      await sink.publish([])
      await sink.publish(transaction(1))
      same(delivered(), [1], 'delivered')
    },
  },
]

function transaction(...offsets: readonly number[]): Change[] {
  return offsets.map((offset, index) => ({
    entity: 'Task',
    id: `t${offset}`,
    operation: 'created',
    version: 1,
    before: null,
    after: { id: `t${offset}`, version: 1, title: 'x', team: 'red' },
    mutationId: null,
    actor: null,
    at: 0,
    position: { epoch: 'e', offset },
    transaction: offsets[0] ?? offset,
    last: index === offsets.length - 1,
  }))
}

function inEpoch(epoch: string, changes: readonly Change[]): Change[] {
  return changes.map((change) => ({ ...change, position: { ...change.position, epoch } }))
}
