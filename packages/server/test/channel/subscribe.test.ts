import { DnrError } from '@dnr/protocol'
import { drainMicrotasks } from '@dnr/testing'
import { expect, test } from 'vitest'
import { allowChannel } from '../../src/policy/channel-rule.ts'
import { allow } from '../../src/policy/rule.ts'
import { policies } from '../../src/policy/policies.ts'
import { Task, type User } from '../support/entities.ts'
import { createMemoryStore, task } from '../support/memory-store.ts'
import { createTestServer, typesOf } from '../support/test-server.ts'

const subscribe = (payload?: object, channel = 'entity:Task'): object => ({
  type: 'subscribe',
  channel,
  ...(payload && { payload }),
})

test('a row that changes, leaves, enters and goes, as each of two teams gets it', async () => {
  const server = createTestServer()
  const [red, blue] = [await server.connect('ann@red'), await server.connect('bob@blue')]
  for (const client of [red, blue]) await client.ask(subscribe())
  server.memory.write([{ id: 'a', row: task('red'), mutationId: 'm1' }])
  server.memory.write([{ id: 'a', row: { title: 'y' } }])
  server.memory.write([{ id: 'a', row: { team: 'blue' }, mutationId: 'm2' }])
  server.memory.write([{ id: 'a', row: null }])
  const [created, updated, left] = await red.take()
  expect([created?.type, updated?.type]).toEqual(['entity:created', 'entity:updated'])
  expect(created?.mutationId).toBe('m1')
  expect(left).toEqual({
    type: 'entity:deleted',
    channel: 'entity:Task',
    payload: { id: 'a' },
    position: { epoch: 'e1', offset: 3 },
    reason: 'left',
    timestamp: server.clock.now(),
  })
  const [entered, deleted] = await blue.take()
  expect(entered).toMatchObject({
    type: 'entity:created',
    reason: 'entered',
    mutationId: 'm2',
    payload: { id: 'a', version: 3, team: 'blue' },
  })
  expect(deleted).toMatchObject({ type: 'entity:deleted', payload: { id: 'a', version: 4 } })
  expect(deleted).not.toHaveProperty('reason')
})

test('fields that may not be seen are in no event and in no snapshot', async () => {
  const hiding = policies(
    allow(
      Task,
      (user: User | null) => user && { key: user.team, sees: () => true, fields: ['title', 'team'] },
    ),
  )
  const server = createTestServer({ policies: hiding })
  server.memory.write([{ id: 'a', row: { ...task('red'), secret: 'MARK' } }])
  const client = await server.connect()
  await client.ask(subscribe({ snapshot: true }))
  server.memory.write([{ id: 'a', row: { secret: 'MARK2' } }])
  server.memory.write([{ id: 'b', row: { ...task('red'), secret: 'MARK3' } }])
  await client.take()
  expect(typesOf(client.received)).toEqual(['connected', 'subscribed', 'entity:updated', 'entity:created'])
  expect(JSON.stringify(client.received)).not.toContain('MARK')
})

test('nobody filters by a field that they may not see', async () => {
  const hiding = policies(allow(Task, () => ({ sees: () => true, fields: ['title'] })))
  const client = await createTestServer({ policies: hiding }).connect()
  const [refused] = await client.ask(subscribe({ query: { where: { secret: 'a' } } }))
  expect(refused?.payload).toMatchObject({ code: 'bad_query' })
  expect(refused?.payload.message).not.toContain('team')
})

test('a query’s rows enter and leave as they begin and cease to match', async () => {
  const server = createTestServer()
  const client = await server.connect()
  await client.ask(subscribe({ query: { where: { title: 'yes' } }, subscription: 'q1' }))
  for (const title of ['no', 'yes', 'no']) server.memory.write([{ id: 'a', row: task('red', title) }])
  const events = await client.take()
  expect(typesOf(events)).toEqual(['entity:created entered', 'entity:deleted left'])
  expect(events.every(({ subscription }) => subscription === 'q1')).toBe(true)
})

test('several views of one channel have keys of their own; each is answered and ended by its key', async () => {
  const server = createTestServer()
  const client = await server.connect()
  const [first] = await client.ask({ ...subscribe({ subscription: 'v1' }), requestId: 'r1' })
  expect(first).toMatchObject({
    type: 'subscribed',
    channel: 'entity:Task',
    subscription: 'v1',
    requestId: 'r1',
  })
  await client.ask(subscribe({ subscription: 'v2' }))
  await client.ask(subscribe())
  server.memory.write([{ id: 'a', row: task('red') }])
  expect((await client.take()).map(({ subscription }) => String(subscription)).sort()).toEqual([
    'undefined',
    'v1',
    'v2',
  ])
  const [ended] = await client.ask({
    type: 'unsubscribe',
    channel: 'entity:Task',
    payload: { subscription: 'v1' },
  })
  expect(ended).toMatchObject({ type: 'unsubscribed', subscription: 'v1' })
  server.memory.write([{ id: 'b', row: task('red') }])
  expect((await client.take()).map(({ subscription }) => String(subscription)).sort()).toEqual([
    'undefined',
    'v2',
  ])
})

test('a key tells views of one channel apart: the same one on another channel is another subscription', async () => {
  const server = createTestServer()
  const client = await server.connect()
  await client.ask(subscribe({ subscription: 'v' }))
  await client.ask(subscribe({ subscription: 'v' }, 'entity:Task:a'))
  await client.ask(subscribe({ subscription: 'entity:Task' }, 'entity:Task:b'))
  await client.ask(subscribe())
  server.memory.write([{ id: 'a', row: task('red') }])
  const heard = (await client.take()).map(({ channel, subscription }) => `${channel} ${subscription}`)
  expect(heard.sort()).toEqual(['entity:Task undefined', 'entity:Task v', 'entity:Task:a v'])
  await client.ask({ type: 'unsubscribe', channel: 'entity:Task:a', payload: { subscription: 'v' } })
  server.memory.write([{ id: 'a', row: task('red', 'again') }])
  expect((await client.take()).map(({ channel }) => channel)).toEqual(['entity:Task', 'entity:Task'])
})

test('an entity and one of its rows are heard both, on both channels', async () => {
  const server = createTestServer()
  const client = await server.connect()
  await client.ask(subscribe())
  await client.ask(subscribe(undefined, 'entity:Task:a'))
  server.memory.write([{ id: 'a', row: task('red') }])
  server.memory.write([{ id: 'b', row: task('red') }])
  expect((await client.take()).map(({ channel }) => String(channel)).sort()).toEqual([
    'entity:Task',
    'entity:Task',
    'entity:Task:a',
  ])
})

test('the channel of a row is accepted whether the row exists, may be seen, or not; the row arrives when it may', async () => {
  const server = createTestServer()
  server.memory.write([{ id: 'theirs', row: task('blue') }])
  const client = await server.connect('ann@red')
  const [absent] = await client.ask(subscribe({ snapshot: true }, 'entity:Task:none'))
  const [hidden] = await client.ask(subscribe({ snapshot: true }, 'entity:Task:theirs'))
  expect({ ...hidden, channel: '' }).toEqual({ ...absent, channel: '' })
  expect(hidden?.payload.snapshot).toEqual({ rows: [], more: false })
  server.memory.write([{ id: 'theirs', row: { team: 'red' } }])
  expect(typesOf(await client.take())).toEqual(['entity:created entered'])
})

test('events of one transaction have more but the last, counted for each subscription', async () => {
  const server = createTestServer()
  const [red, blue] = [await server.connect('ann@red'), await server.connect('bob@blue')]
  for (const client of [red, blue]) await client.ask(subscribe())
  server.memory.write([
    { id: '1', row: task('red') },
    { id: '2', row: task('blue') },
    { id: '3', row: task('red') },
    { id: '4', row: task('green') },
  ])
  expect((await red.take()).map(({ payload, more }) => [payload.id, more])).toEqual([
    ['1', true],
    ['3', undefined],
  ])
  expect((await blue.take()).map(({ payload, more }) => [payload.id, more])).toEqual([['2', undefined]])
})

test('members of a group get one and the same frame, groups that see the same too', async () => {
  const everybody = policies(allow(Task, (user: User | null) => user && { key: user.id, sees: () => true }))
  const server = createTestServer({ policies: everybody })
  const frames = new Set<unknown>()
  for (const name of ['ann', 'bob', 'cat']) {
    const client = await server.connect(`${name}@red`)
    const { send } = client.pair.server
    client.pair.server.send = (frame) => {
      if (frame.text.includes('entity:created')) frames.add(frame)
      send(frame)
    }
    await client.ask(subscribe())
  }
  server.memory.write([{ id: 'a', row: task('red') }])
  await drainMicrotasks()
  expect(server.channels.groupCount).toBe(3)
  expect(frames.size).toBe(1)
})

test('what was written before one is closed, or leaves, still arrives', async () => {
  const server = createTestServer()
  const [closing, leaving] = [await server.connect(), await server.connect('bob@red')]
  for (const client of [closing, leaving]) await client.ask(subscribe())
  await Promise.all([closing.take(), leaving.take()])
  server.memory.write([{ id: 'a', row: task('red') }])
  server.connections.disconnect(closing.id)
  server.memory.write([{ id: 'b', row: task('red') }])
  server.connections.unsubscribe(leaving.id, 'entity:Task')
  server.memory.write([{ id: 'c', row: task('red') }])
  expect(typesOf(await closing.take())).toEqual(['entity:created'])
  expect(typesOf(await leaving.take())).toEqual(['entity:created', 'entity:created', 'unsubscribed'])
})

test('what was judged before rights changed is with the socket before anybody is asked about the new ones', async () => {
  let sees = true
  const order: string[] = []
  const asked = policies(
    allow(Task, (user: User | null) => {
      order.push('asked')
      return user && { key: 'all', sees: () => sees }
    }),
  )
  const server = createTestServer({ policies: asked })
  const client = await server.connect()
  await client.ask(subscribe())
  const { send } = client.pair.server
  client.pair.server.send = (frame) => {
    order.push(JSON.parse(frame.text).type)
    send(frame)
  }
  order.length = 0
  server.memory.write([{ id: 'a', row: task('red') }])
  sees = false
  await server.rightsChanged({ userId: 'ann' })
  await drainMicrotasks()
  expect(order).toEqual(['entity:created', 'asked', 'entity:deleted'])
})

test('a rule is asked once for a group, whatever the number of its members', async () => {
  let asked = 0
  const counting = policies(
    allow(Task, (user: User | null) => user && { key: user.team, sees: () => ++asked > 0 }),
  )
  const server = createTestServer({ policies: counting })
  for (const name of ['ann', 'bob', 'cat']) await (await server.connect(`${name}@red`)).ask(subscribe())
  server.memory.write([{ id: 'a', row: task('red') }])
  expect(asked).toBe(1)
  expect(server.channels.groupCount).toBe(1)
})

test('queries that say the same in another order are one group', async () => {
  const server = createTestServer()
  const client = await server.connect()
  const other = await server.connect('bob@red')
  await client.ask(subscribe({ query: { where: { title: { gte: 'a', lt: 'c' }, team: 'red' } } }))
  await other.ask(subscribe({ query: { where: { team: 'red', title: { lt: 'c', gte: 'a' } } } }))
  expect(server.channels.groupCount).toBe(1)
})

test('a rule that throws for one team disturbs nobody else', async () => {
  const throwing = policies(
    allow(
      Task,
      (user: User | null) =>
        user && {
          key: user.team,
          sees: () => {
            if (user.team === 'blue') throw new Error('boom')
            return true
          },
        },
    ),
  )
  const server = createTestServer({ policies: throwing })
  const [blue, red] = [await server.connect('bob@blue'), await server.connect('ann@red')]
  for (const client of [blue, red]) await client.ask(subscribe())
  server.memory.write([{ id: 'a', row: task('red') }])
  expect(typesOf(await red.take())).toEqual(['entity:created'])
  expect(await blue.take()).toEqual([])
  expect(server.policies.failures).toBe(1)
})

test('rows reach the rule typed, with dates as dates', async () => {
  const dated = policies(allow(Task, () => ({ sees: (row) => row.due !== null && row.due.getTime() === 5 })))
  const server = createTestServer({ policies: dated })
  const client = await server.connect()
  await client.ask(subscribe())
  server.memory.write([{ id: 'a', row: { ...task('red'), due: new Date(5).toISOString() } }])
  expect((await client.take())[0]?.payload.due).toBe('1970-01-01T00:00:00.005Z')
})

test('subscribing again under the same key replaces and answers again', async () => {
  const server = createTestServer()
  const client = await server.connect()
  await client.ask(subscribe({ query: { where: { title: 'a' } } }))
  expect(typesOf(await client.ask(subscribe({ query: { where: { title: 'b' } } })))).toEqual(['subscribed'])
  expect(server.channels.subscriptionCount).toBe(1)
  server.memory.write([{ id: 'a', row: task('red', 'a') }])
  server.memory.write([{ id: 'b', row: task('red', 'b') }])
  expect((await client.take()).map(({ payload }) => payload.id)).toEqual(['b'])
})

test('a connection has at most maxSubscriptionsPerConnection, replacing is none more', async () => {
  const server = createTestServer({ limits: { maxSubscriptionsPerConnection: 2 } })
  const client = await server.connect()
  for (const id of ['1', '2']) await client.ask(subscribe(undefined, `entity:Task:${id}`))
  const [refused] = await client.ask({ ...subscribe(undefined, 'entity:Task:3'), requestId: 'r' })
  expect(refused).toMatchObject({
    type: 'error',
    payload: { code: 'too_many_subscriptions' },
    channel: 'entity:Task:3',
    requestId: 'r',
  })
  expect(typesOf(await client.ask(subscribe(undefined, 'entity:Task:1')))).toEqual(['subscribed'])
  await client.ask({ type: 'unsubscribe', channel: 'entity:Task:1' })
  expect(typesOf(await client.ask(subscribe(undefined, 'entity:Task:3')))).toEqual(['subscribed'])
})

test('a user hears their own channel alone', async () => {
  const server = createTestServer()
  const client = await server.connect('ann@red')
  const [own] = await client.ask(subscribe(undefined, 'user:ann'))
  expect(own).toEqual({ type: 'subscribed', channel: 'user:ann', payload: {}, timestamp: server.clock.now() })
  expect((await client.ask(subscribe(undefined, 'user:bob')))[0]?.payload.code).toBe('forbidden')
})

test('rooms: whoever may enter speaks to everybody else there', async () => {
  const server = createTestServer({
    policies: policies(allowChannel('room', async (user: User, name) => user.team === name)),
  })
  const [ann, bob, eve] = [
    await server.connect('ann@red'),
    await server.connect('bob@red'),
    await server.connect('eve@blue'),
  ]
  for (const client of [ann, bob])
    expect(typesOf(await client.ask(subscribe(undefined, 'room:red')))).toEqual(['subscribed'])
  await eve.ask(subscribe(undefined, 'room:red'))
  expect(await ann.ask({ type: 'message', channel: 'room:red', payload: { hi: 1 }, requestId: 'r' })).toEqual(
    [],
  )
  expect(await bob.take()).toEqual([
    { type: 'message', channel: 'room:red', payload: { hi: 1 }, timestamp: server.clock.now() },
  ])
  const [refused] = await eve.ask({ type: 'message', channel: 'room:red', payload: 1 })
  expect(refused?.payload.code).toBe('forbidden')
})

test('a channel rule that throws, rejects or takes too long lets nobody in, and is to be asked again', async () => {
  const rules = [
    () => {
      throw new Error('boom')
    },
    () => Promise.reject(new Error('boom')),
    () => new Promise<boolean>(() => {}),
  ]
  for (const room of rules) {
    const server = createTestServer({ policies: policies(allowChannel('room', room)) })
    const client = await server.connect()
    await client.take()
    client.send(subscribe(undefined, 'room:r'))
    await drainMicrotasks()
    await server.clock.advance(5_000)
    expect((await client.take())[0]?.payload).toMatchObject({ code: 'busy', retryAfterMs: 1_000 })
  }
})

test('a token renewed with other rights shows what may be seen now', async () => {
  let team = 'red'
  const server = createTestServer({ authenticate: () => ({ id: 'ann', team }) })
  server.memory.write([
    { id: 'r', row: task('red') },
    { id: 'b', row: task('blue') },
  ])
  const client = await server.connect('t')
  await client.ask(subscribe({ snapshot: true }))
  team = 'blue'
  const answers = await client.ask({ type: 'auth', payload: { token: 't' } })
  expect(typesOf(answers)).toEqual(['authenticated', 'entity:deleted left', 'entity:created entered'])
  expect(answers.slice(1).map(({ payload }) => payload.id)).toEqual(['r', 'b'])
  server.memory.write([{ id: 'r', row: { title: 'z' } }])
  expect(await client.take()).toEqual([])
})

test('a store that fails is told to who asked; the subscription is not installed', async () => {
  const memory = createMemoryStore()
  const server = createTestServer({ memory })
  const client = await server.connect()
  memory.gate = (what) =>
    what === 'snapshot' ? Promise.reject(new DnrError('busy', 'Later.', { retryable: true })) : undefined
  const [refused] = await client.ask({ ...subscribe({ snapshot: true }), requestId: 'r' })
  expect(refused).toMatchObject({
    type: 'error',
    requestId: 'r',
    channel: 'entity:Task',
    payload: { code: 'busy', message: 'Later.' },
  })
  memory.gate = (what) => (what === 'snapshot' ? Promise.reject(new Error('SELECT secret')) : undefined)
  const [internal] = await client.ask(subscribe({ snapshot: true }))
  // What could not be read may be readable later.
  expect(internal?.payload).toMatchObject({ code: 'internal', retryAfterMs: 1_000 })
  expect(JSON.stringify(internal)).not.toContain('SELECT')
  expect(server.channels.subscriptionCount).toBe(0)
})

test('a replay that fails after its answer ends the subscription, and says so without the request id', async () => {
  const memory = createMemoryStore({ pageChanges: 1 })
  const server = createTestServer({ memory })
  for (const title of ['1', '2', '3']) memory.write([{ id: 'a', row: { ...task('red'), title } }])
  const client = await server.connect()
  let reads = 0
  memory.gate = (what) =>
    what === 'history' && ++reads === 2 ? Promise.reject(new Error('SELECT secret')) : undefined
  client.send({ ...subscribe({ position: { epoch: 'e1', offset: 0 } }), requestId: 'r1' })
  for (let turn = 0; turn < 5; turn++) await server.clock.advance(10)
  const [subscribed, error] = (await client.take()).filter(({ type }) => /^(subscribed|error)$/.test(type))
  expect(subscribed).toMatchObject({ type: 'subscribed', requestId: 'r1' })
  const payload = { code: 'internal', retryAfterMs: 1_000 }
  expect(error).toMatchObject({ type: 'error', channel: 'entity:Task', ended: true, payload })
  expect([error?.requestId, server.channels.subscriptionCount]).toEqual([undefined, 0])
})

test('when it is not known where the log stands, a subscribe asks again', async () => {
  const memory = createMemoryStore()
  memory.gate = () => Promise.reject(new Error('locked'))
  const server = createTestServer({ memory })
  const client = await server.connect()
  const [refused] = await client.ask(subscribe())
  expect(refused?.payload).toMatchObject({ code: 'internal', retryAfterMs: 1_000 })
  memory.gate = null
  expect(typesOf(await client.ask(subscribe()))).toEqual(['subscribed'])
})

test('a log that is trimmed in the middle of a replay: the rows come anew, in an answer that nobody asked for', async () => {
  const memory = createMemoryStore({ pageChanges: 1 })
  const server = createTestServer({ memory })
  for (const title of ['1', '2', '3']) memory.write([{ id: 'a', row: { ...task('red'), title } }])
  const client = await server.connect()
  let reads = 0
  memory.gate = (what) => {
    if (what === 'history' && ++reads === 2) memory.trimTo(3)
  }
  client.send({
    ...subscribe({ snapshot: true, position: { epoch: 'e1', offset: 0 } }),
    requestId: 'r1',
  })
  for (let turn = 0; turn < 5; turn++) await server.clock.advance(10)
  const answers = (await client.take()).filter(({ type }) => type === 'subscribed')
  expect(answers).toMatchObject([
    { requestId: 'r1', payload: { recovered: true } },
    { payload: { recovered: false, snapshot: { rows: [{ id: 'a', version: 3 }] } } },
  ])
  expect(answers[1]).not.toHaveProperty('requestId')
})
