// A client that knows only the messages of the original architecture.
import { expect, test } from 'vitest'
import { task } from '../support/memory-store.ts'
import { createTestServer } from '../support/test-server.ts'

test('subscribe, as the original document has it', async () => {
  const server = createTestServer()
  const client = await server.connect()
  const answers = await client.ask(
    '{"type":"subscribe","channel":"entity:Task","requestId":"req_123","timestamp":1701234567890}',
  )
  expect(JSON.stringify(answers[0])).toBe(
    `{"type":"subscribed","channel":"entity:Task","payload":{"position":{"epoch":"e1","offset":0},"recovered":false},"requestId":"req_123","timestamp":${server.clock.now()}}`,
  )
  expect(answers).toHaveLength(1)
})

test('created, updated, deleted events', async () => {
  const server = createTestServer()
  const client = await server.connect()
  await client.ask({ type: 'subscribe', channel: 'entity:Task' })
  server.memory.write([{ id: 'a', row: task('red', 'New task') }])
  server.memory.write([{ id: 'a', row: task('red', 'Newer') }])
  server.memory.write([{ id: 'a', row: null }])
  const timestamp = server.clock.now()
  const row = { secret: '', due: null, team: 'red' }
  expect((await client.take()).map((message) => JSON.stringify(message))).toEqual([
    JSON.stringify({
      type: 'entity:created',
      channel: 'entity:Task',
      payload: { ...row, title: 'New task', id: 'a', version: 1 },
      position: { epoch: 'e1', offset: 1 },
      timestamp,
    }),
    JSON.stringify({
      type: 'entity:updated',
      channel: 'entity:Task',
      payload: { ...row, title: 'Newer', id: 'a', version: 2 },
      position: { epoch: 'e1', offset: 2 },
      timestamp,
    }),
    JSON.stringify({
      type: 'entity:deleted',
      channel: 'entity:Task',
      payload: { id: 'a', version: 3 },
      position: { epoch: 'e1', offset: 3 },
      timestamp,
    }),
  ])
})

test('ping, before and after a subscription to rows', async () => {
  const server = createTestServer()
  const client = await server.connect()
  const timestamp = server.clock.now()
  expect(await client.ask('{"type":"ping","requestId":"req_4","timestamp":1701234567890}')).toEqual([
    { type: 'pong', requestId: 'req_4', timestamp },
  ])
  await client.ask({ type: 'subscribe', channel: 'entity:Task' })
  expect(await client.ask({ type: 'ping', requestId: 'req_4' })).toEqual([
    { type: 'pong', requestId: 'req_4', position: { epoch: 'e1', offset: 0 }, timestamp },
  ])
})

test('unsubscribe, also from what was not subscribed', async () => {
  const server = createTestServer()
  const client = await server.connect()
  await client.ask({ type: 'subscribe', channel: 'entity:Task' })
  const answer = [
    { type: 'unsubscribed', channel: 'entity:Task', requestId: 'req_5', timestamp: server.clock.now() },
  ]
  expect(
    await client.ask(
      '{"type":"unsubscribe","channel":"entity:Task","requestId":"req_5","timestamp":1701234567890}',
    ),
  ).toEqual(answer)
  expect(await client.ask('{"type":"unsubscribe","channel":"entity:Task","requestId":"req_5"}')).toEqual(
    answer,
  )
  server.memory.write([{ id: 'a', row: task('red') }])
  expect(await client.take()).toEqual([])
})

test('emitCreated, emitUpdated and emitDeleted reach who may see the row', async () => {
  const server = createTestServer({ history: undefined as never, repositories: [] })
  const [red, blue] = [await server.connect('ann@red'), await server.connect('bob@blue')]
  for (const client of [red, blue]) {
    await client.ask({ type: 'subscribe', channel: 'entity:Task' })
    await client.ask({ type: 'subscribe', channel: 'entity:Task:1' })
  }
  server.eventBus.emitCreated('Task', { id: '1', title: 'New task', team: 'red' })
  server.eventBus.emitUpdated('Task', '1', { id: '1', title: 'Newer', team: 'red' })
  server.eventBus.emitDeleted('Task', '1', { id: '1', team: 'red' })
  const heard = (await red.take()).map(({ type, channel }) => `${type} on ${channel}`)
  expect(heard.sort()).toEqual(
    ['created', 'updated', 'deleted']
      .flatMap((what) => [`entity:${what} on entity:Task`, `entity:${what} on entity:Task:1`])
      .sort(),
  )
  expect(await blue.take()).toEqual([])
})
