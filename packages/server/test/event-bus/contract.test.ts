import type { Change } from '@dnr/protocol'
import { historyContract, sinkContract } from '@dnr/testing'
import { describe, test } from 'vitest'
import { createEventBus } from '../../src/event-bus/entity-event-bus.ts'
import { createMemoryStore, task } from '../support/memory-store.ts'

describe('the event bus keeps the contract of a sink', () => {
  test.each(sinkContract)('$name', ({ run }) =>
    run(async () => {
      const delivered: number[] = []
      let gaps = 0
      const deliver = (changes: readonly Change[]): void =>
        void delivered.push(...changes.map(({ position }) => position.offset))
      const bus = createEventBus({
        history: {
          head: async () => ({ epoch: 'e', offset: 0 }),
          read: async () => ({ holds: false, reason: 'trimmed' }),
        },
        epoch: 'own',
        now: () => 0,
        deliver,
        deliverPart: deliver,
        missed: () => void gaps++,
        onError() {},
      })
      await bus.ready()
      return { sink: bus, delivered: () => delivered, gaps: () => gaps }
    }),
  )
})

describe('the store of these tests keeps the contract of a history', () => {
  test.each(historyContract)('$name', ({ run }) =>
    run(async () => {
      const memory = createMemoryStore()
      return {
        history: memory.history,
        entity: 'Task',
        write: async (...ids) => void memory.write(ids.map((id) => ({ id, row: task('red') }))),
        trim: async () => memory.trimTo(memory.log.length),
        async [Symbol.asyncDispose]() {},
      }
    }),
  )
})
