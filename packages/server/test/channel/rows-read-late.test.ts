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
import { createTestServer, type Received, typesOf } from '../support/test-server.ts'

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

/** Who shows what, by the frames that they were sent. */
function shownBy(frames: readonly Received[]): readonly string[] {
  const ids = new Set<string>()
  for (const { type, payload } of frames) {
    const rows =
      type === 'subscribed' ? payload.snapshot?.rows : type === 'snapshot' ? payload.rows : undefined
    for (const { id } of (rows ?? []) as { id: string }[]) ids.add(id)
    if (type === 'entity:deleted') ids.delete(payload.id as string)
    else if (type.startsWith('entity:')) ids.add(payload.id as string)
  }
  return [...ids]
}

test.each([
  ['arrived', 'deleted', null],
  ['arrived', 'changed', task('red', 'new')],
  ['judged', 'deleted', null],
  ['judged', 'changed', task('red', 'new')],
] as const)(
  'a rule that fails as a row is told of that was read, and not %s yet, before it was %s: nobody keeps what it was',
  async (place, _, after) => {
    let fails = false
    const rule: RowRule<TaskRow> = {
      key: 'red',
      sees: ({ team }) => {
        if (fails) throw new Error('the rule fails')
        return team === 'red'
      },
    }
    const memory = createMemoryStore()
    memory.write([{ id: 'a', row: task('red') }])
    const gate = createDeferred()
    const server = createTestServer({
      memory,
      repositories: [lateStore(memory, () => (place === 'arrived' ? gate.promise : Promise.resolve()))],
      policies: policies(allow(Task, () => rule)),
    })
    const ann = await server.connect('ann@red')
    await ann.take()
    memory.gate = (what) => (place === 'judged' && what === 'head' ? gate.promise : undefined)
    ann.send(begin)
    await drainMicrotasks()
    fails = true
    memory.write([{ id: 'a', row: after }])
    // The rule works again before the row is judged, or nobody judges it any more.
    fails = false
    gate.resolve()
    const frames = await ann.take()
    expect(shownBy(frames)).toEqual([])
    // Asked about again, it comes if it is still there.
    await server.clock.advance(2_000)
    const titles = (await ann.take())
      .filter(({ type }) => type === 'entity:created')
      .map(({ payload }) => payload.title)
    expect(titles).toEqual(after === null ? [] : ['new'])
  },
)
