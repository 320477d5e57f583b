// Who comes back with rows that are newer than their position: the changes after the position follow, unless the history that the
// rows are from is gone.
import { expect, test } from 'vitest'
import { createMemoryStore, task } from '../support/memory-store.ts'
import { createTestServer, typesOf } from '../support/test-server.ts'

const at = (offset: number, epoch = 'e1'): object => ({ epoch, offset })
const resume = (position: object, readTo: object): object => ({
  type: 'subscribe',
  channel: 'entity:Task',
  payload: { position, readTo, snapshot: true },
})

test('what came after the position follows, also what the rows show already', async () => {
  const server = createTestServer()
  for (const id of ['a', 'b', 'c']) server.memory.write([{ id, row: task('red') }])
  const client = await server.connect()
  await client.take()
  const answers = await client.ask(resume(at(1), at(2)))
  expect(typesOf(answers)).toEqual(['subscribed', 'entity:created', 'entity:created'])
  expect(answers[0]?.payload).toMatchObject({ recovered: true, position: at(1) })
  server.memory.write([{ id: 'd', row: task('red') }])
  expect(typesOf(await client.take())).toEqual(['entity:created'])
})

test('how new the rows were does not count any more when the position is as far', async () => {
  const server = createTestServer()
  for (const id of ['a', 'b']) server.memory.write([{ id, row: task('red') }])
  const client = await server.connect()
  await client.take()
  for (const position of [at(1), at(2)]) {
    const [answer] = await client.ask(resume(position, at(1, 'lost')))
    expect(answer?.payload).toEqual({ recovered: true, position })
  }
})

test('a position that holds is not enough when the rows are from a history that is gone', async () => {
  const server = createTestServer()
  for (const id of ['a', 'b']) server.memory.write([{ id, row: task('red') }])
  const client = await server.connect()
  await client.take()
  const asked: readonly [object, object][] = [
    [at(1), at(3)],
    [at(2), at(3)],
    [at(1), at(2, 'lost')],
  ]
  for (const [position, readTo] of asked) {
    const answers = await client.ask(resume(position, readTo))
    expect(typesOf(answers)).toEqual(['subscribed'])
    expect(answers[0]?.payload).toMatchObject({ recovered: false, position: at(2) })
    expect(answers[0]?.payload.snapshot.rows).toHaveLength(2)
  }
})

test('a row that was not there at the position and is hidden now may have been read in between: it is taken away', async () => {
  const memory = createMemoryStore({ pageChanges: 3 })
  const server = createTestServer({ memory })
  memory.write([{ id: 'a', row: task('red') }])
  memory.write([{ id: 'b', row: task('red') }])
  memory.write([{ id: 'b', row: task('blue') }])
  // This one cannot have been read.
  memory.write([{ id: 'c', row: task('red') }])
  memory.write([{ id: 'c', row: task('blue') }])
  const client = await server.connect('ann@red')
  await client.take()
  const answers = await client.ask(resume(at(1), at(2)))
  for (let turn = 0; turn < 5; turn++) await server.clock.advance(10)
  answers.push(...(await client.take()))
  expect(answers.map(({ type, payload }) => [type, payload.id])).toEqual([
    ['subscribed', undefined],
    ['entity:deleted', 'b'],
  ])
})

test('who has gone while the log was asked is not answered, and leaves nothing behind', async () => {
  const server = createTestServer()
  server.memory.write([{ id: 'a', row: task('red') }])
  const client = await server.connect()
  await client.take()
  let go = (): void => {}
  server.memory.gate = (what) => (what === 'history' ? new Promise((resolve) => (go = resolve)) : undefined)
  client.send(resume(at(0), at(1)))
  await client.take()
  client.send({ type: 'unsubscribe', channel: 'entity:Task' })
  server.memory.gate = null
  go()
  expect(typesOf(await client.take()).at(-1)).toBe('unsubscribed')
  expect(server.channels).toMatchObject({ subscriptionCount: 0, groupCount: 0, channelCount: 0 })
})

test('a row that was deleted and made again before it was read, and left since: what takes it away is newer than what was read', async () => {
  const { memory, connect } = createTestServer()
  memory.write([{ id: 'other', row: task('red') }])
  memory.write([{ id: 'a', row: task('red') }])
  memory.write([{ id: 'a', row: null }])
  memory.write([{ id: 'a', row: task('red') }])
  memory.write([{ id: 'a', row: task('blue') }])
  const client = await connect()
  await client.take()
  const [, ...told] = await client.ask(resume(at(1), at(4)))
  expect(told).toMatchObject([
    { type: 'entity:deleted', reason: 'left', payload: { id: 'a' }, position: at(5) },
  ])
})

test('nothing is told of it to who had it from before it was deleted but that', async () => {
  const { memory, connect } = createTestServer()
  memory.write([{ id: 'a', row: task('red') }])
  memory.write([{ id: 'a', row: null }])
  memory.write([{ id: 'a', row: task('red') }])
  memory.write([{ id: 'a', row: task('blue') }])
  const client = await connect()
  await client.take()
  const [, ...told] = await client.ask(resume(at(1), at(1)))
  expect(told).toMatchObject([{ type: 'entity:deleted', payload: { id: 'a', version: 2 }, position: at(2) }])
})
