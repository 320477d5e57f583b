import type { Change, ChangeSink } from '@dnr/protocol'
import { type ContractCase, same } from './contract.ts'

/** A sink under test, and what it has let through. */
export interface SinkFixture {
  readonly sink: ChangeSink
  /** Offsets of the changes that came out of it, in that order. */
  delivered(): readonly number[]
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
    name: 'offsets may jump: another entity has been written, or the log was trimmed',
    async run(make) {
      const { sink, delivered } = await make()
      await sink.publish(transaction(4))
      await sink.publish(transaction(9, 10))
      same(delivered(), [4, 9, 10], 'delivered')
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
