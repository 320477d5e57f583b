// The relay could not read some of the log: whoever hears rows asks anew, in whatever state it is, and goes on from what is true.
import { createDeferred } from '@dnr/internal'
import { drainMicrotasks } from '@dnr/testing'
import { expect, test } from 'vitest'
import { allowChannel } from '../../src/policy/channel-rule.ts'
import { policies } from '../../src/policy/policies.ts'
import { allow } from '../../src/policy/rule.ts'
import { Task, type User } from '../support/entities.ts'
import { gate } from '../support/gate.ts'
import { createMemoryStore, task } from '../support/memory-store.ts'
import { createTestServer, type TestServer, typesOf } from '../support/test-server.ts'

const subscribe = (payload?: object, channel = 'entity:Task'): object => ({
  type: 'subscribe',
  channel,
  ...(payload && { payload }),
})
const at = (offset: number): object => ({ epoch: 'e1', offset })

/** Another process writes and trims; this one's relay finds its place gone. */
function writeUnseen(server: TestServer, ...ids: readonly string[]): void {
  const { memory, eventBus } = server
  memory.write(
    ids.map((id) => ({ id, row: task('red') })),
    { publish: false },
  )
  memory.trimTo(memory.log.length)
  eventBus.skipTo({ position: memory.position() })
}

test('who is live is sent to ask anew, and a position from before the gap does not hold', async () => {
  const server = createTestServer()
  const client = await server.connect()
  await client.ask(subscribe({ snapshot: true, subscription: 'all' }))
  await client.ask(subscribe({}, 'entity:Task:a'))
  writeUnseen(server, 'a')
  expect(await client.take()).toMatchObject([
    { type: 'unsubscribed', channel: 'entity:Task', subscription: 'all' },
    { type: 'unsubscribed', channel: 'entity:Task:a' },
  ])
  const [pong] = await client.ask({ type: 'ping' })
  expect(pong).not.toHaveProperty('position')
  const [answer] = await client.ask(subscribe({ snapshot: true, position: at(0) }))
  expect(answer?.payload).toMatchObject({
    recovered: false,
    position: at(1),
    snapshot: { rows: [{ id: 'a' }] },
  })
  server.memory.write([{ id: 'b', row: task('red') }])
  expect(typesOf(await client.take())).toEqual(['entity:created'])
})

test('channels without rows hear nothing of it', async () => {
  const server = createTestServer({
    policies: policies(
      allow(Task, () => true),
      allowChannel('room', () => true),
    ),
  })
  const client = await server.connect()
  await client.ask(subscribe(undefined, 'room:lobby'))
  writeUnseen(server, 'a')
  expect(await client.take()).toEqual([])
  expect([...server.channels.subscribers('room:lobby')]).toEqual([client.id])
})

test('a request that has not been answered is answered with what is true after the gap', async () => {
  const server = createTestServer()
  const client = await server.connect()
  await client.take()
  const reading = gate(server.memory, 'snapshot')
  client.send({ ...subscribe({ snapshot: true }), requestId: 'r' })
  await reading.reached
  writeUnseen(server, 'a')
  reading.open()
  const [answer, ...others] = await client.take()
  expect(answer).toMatchObject({
    requestId: 'r',
    payload: { position: at(1), snapshot: { rows: [{ id: 'a' }] } },
  })
  expect(others).toEqual([])
})

test('a snapshot that was half sent is asked for anew', async () => {
  const memory = createMemoryStore({ chunkRows: 1 })
  const server = createTestServer({ memory })
  memory.write(['a', 'b'].map((id) => ({ id, row: task('red') })))
  const client = await server.connect()
  await client.take()
  const second = gate(memory, 'chunk')
  client.send(subscribe({ snapshot: true }))
  await second.reached
  writeUnseen(server, 'c')
  second.open()
  expect(typesOf(await client.take())).toEqual(['subscribed', 'unsubscribed'])
})

test('half a snapshot whose reader is asked about meanwhile ends, and nothing from behind the gap comes first', async () => {
  const rule = { key: 'red', sees: () => true }
  const asked = createDeferred<typeof rule>()
  const isSlow = { now: false }
  const memory = createMemoryStore({ chunkRows: 1 })
  memory.write(['a', 'b', 'c', 'd'].map((id) => ({ id, row: task('red') })))
  const server = createTestServer({
    memory,
    policies: policies(allow(Task, () => (isSlow.now ? asked.promise : rule))),
  })
  const client = await server.connect()
  await client.take()
  const second = gate(memory, 'chunk')
  client.send(subscribe({ snapshot: true, grant: null }))
  await second.reached
  expect(typesOf(await client.take())).toEqual(['subscribed'])
  isSlow.now = true
  void server.rightsChanged({ key: 'red' })
  await drainMicrotasks()
  writeUnseen(server, 'e')
  asked.resolve(rule)
  second.open()
  expect(typesOf(await client.take())).toEqual(['unsubscribed'])
})

test('whoever asked for something else under the same key, and is refused, is told that nothing is left', async () => {
  const asked = createDeferred<boolean>()
  const isSlow = { now: false }
  const server = createTestServer({
    policies: policies(allow(Task, () => (isSlow.now ? asked.promise : true))),
  })
  const client = await server.connect()
  await client.ask(subscribe({ snapshot: true }))
  isSlow.now = true
  client.send({ ...subscribe({ snapshot: true, query: { where: { team: 'red' } } }), requestId: 'r' })
  await drainMicrotasks()
  writeUnseen(server, 'e')
  expect(typesOf(await client.take())).toEqual(['unsubscribed'])
  asked.resolve(false)
  expect((await client.take()).at(0)).toMatchObject({ type: 'error', ended: true })
})

test('what others read of the log before the gap is not taken for its end', async () => {
  const server = createTestServer()
  server.memory.write([{ id: 'a', row: task('red') }])
  const [first, second] = await Promise.all([server.connect('ann@red'), server.connect('ben@red')])
  await Promise.all([first.take(), second.take()])
  const reading = gate(server.memory, 'history read')
  first.send(subscribe({ position: at(0) }))
  await reading.reached
  writeUnseen(server, 'b')
  second.send(subscribe({ position: at(0) }))
  reading.open()
  expect(await first.take()).toMatchObject([
    { type: 'subscribed', payload: { recovered: false, position: at(2) } },
  ])
  expect(await second.take()).toMatchObject([
    { type: 'subscribed', payload: { recovered: false, position: at(2) } },
  ])
})

test('who is ahead of the relay asks anew, too', async () => {
  const server = createTestServer()
  const client = await server.connect()
  await client.take()
  server.memory.write([{ id: 'a', row: task('red') }], { publish: false })
  const [answer] = await client.ask(subscribe({ snapshot: true }))
  expect(answer?.payload.position).toEqual(at(1))
  writeUnseen(server, 'b')
  expect(typesOf(await client.take())).toEqual(['unsubscribed'])
})

test('who is asked about as the gap is told asks anew', async () => {
  let answer = (): void => {}
  const isSlow = { now: false }
  const server = createTestServer({
    policies: policies(
      allow(Task, (user: User | null) => {
        const rule = user && { key: user.team, sees: () => true }
        return isSlow.now ? new Promise((resolve) => (answer = () => resolve(rule))) : rule
      }),
    ),
  })
  const client = await server.connect()
  await client.ask(subscribe({ snapshot: true }))
  isSlow.now = true
  const done = server.rightsChanged({ userId: 'ann' })
  writeUnseen(server, 'a')
  answer()
  await done
  expect(typesOf(await client.take())).toEqual(['unsubscribed'])
  expect(server.channels.subscriptionCount).toBe(0)
})

test('rows that went in a gap are forgotten: nobody who comes later is told their ids', async () => {
  const hidden = new Set<string>()
  const server = createTestServer({
    policies: policies(allow(Task, () => ({ key: 'all', sees: (row) => !hidden.has(row.id) }))),
  })
  const { memory } = server
  memory.write([{ id: 'gone', row: task('red') }])
  const [ann, ben] = await Promise.all([server.connect('ann@red'), server.connect('ben@red')])
  await ann.ask(subscribe({ snapshot: true }))
  // One that reads through the gap keeps the group together.
  const reading = gate(memory, 'snapshot')
  ben.send(subscribe({ snapshot: true }))
  await reading.reached
  hidden.add('gone')
  writeUnseen(server, 'other')
  reading.open()
  await Promise.all([ann.take(), ben.take()])
  memory.write([{ id: 'gone', row: { title: 'secret' } }])
  expect(await ben.take()).toEqual([])
})
