// Rows that arrive later than they were read, as from a database over a network, or because their reader is slow: what the log has
// told meanwhile counts.
import { createDeferred } from '@dnr/internal'
import { drainMicrotasks } from '@dnr/testing'
import { expect, test } from 'vitest'
import { policies } from '../../src/policy/policies.ts'
import { allow, type RowRule } from '../../src/policy/rule.ts'
import type { EntityStore } from '../../src/ports/entity-store.ts'
import { Task, type TaskRow } from '../support/entities.ts'
import { createMemoryStore, type MemoryStore, task } from '../support/memory-store.ts'
import { createTestServer, typesOf } from '../support/test-server.ts'

const begin = { type: 'subscribe', channel: 'entity:Task', payload: { snapshot: true, grant: null } }

/** Chunks are read at once and arrive when they are let through. */
function lateStore({ store }: MemoryStore, arrival: () => Promise<void>): EntityStore<typeof Task> {
  return {
    ...store,
    async *snapshotChunks(query, options) {
      for await (const chunk of store.snapshotChunks(query, options)) {
        await arrival()
        yield chunk
      }
    },
  }
}

test.each([
  ['was handed to another team', task('blue'), 'entity:deleted left'],
  ['was deleted', null, 'entity:deleted'],
])('of a row that %s since it was read, nothing more is told afterwards', async (_, after, end) => {
  const memory = createMemoryStore()
  memory.write([{ id: 'a', row: task('red') }])
  const arrived = createDeferred()
  const server = createTestServer({ memory, repositories: [lateStore(memory, () => arrived.promise)] })
  const ann = await server.connect('ann@red')
  await ann.take()
  ann.send(begin)
  await drainMicrotasks()
  memory.write([{ id: 'a', row: after }])
  arrived.resolve()
  expect(typesOf(await ann.take())).toEqual(['subscribed', end])
  memory.write([{ id: 'a', row: task('blue') }])
  memory.write([{ id: 'a', row: null }])
  expect(await ann.take()).toEqual([])
})

test('nor where it is compared with the rights of before', async () => {
  const all: RowRule<TaskRow> = { key: 'all', sees: () => true }
  const red: RowRule<TaskRow> = { key: 'red', sees: ({ team }) => team === 'red' }
  const rights = { now: all }
  const memory = createMemoryStore()
  memory.write(['a', 'b'].map((id) => ({ id, row: task('red') })))
  let arrival = Promise.resolve()
  const server = createTestServer({
    memory,
    repositories: [lateStore(memory, () => arrival)],
    policies: policies(allow(Task, () => rights.now)),
  })
  const ann = await server.connect('ann@red')
  await ann.ask(begin)
  const arrived = createDeferred()
  arrival = arrived.promise
  rights.now = red
  const asked = server.rightsChanged({ userId: 'ann' })
  await drainMicrotasks()
  memory.write([{ id: 'a', row: task('blue') }])
  arrived.resolve()
  await asked
  const told = await ann.take()
  expect(typesOf(told)).toEqual(['entity:deleted left', 'subscribed'])
  memory.write([{ id: 'a', row: null }])
  expect(await ann.take()).toEqual([])
})
