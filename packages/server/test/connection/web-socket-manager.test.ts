import { DnrError } from '@dnr/protocol'
import { drainMicrotasks } from '@dnr/testing'
import { expect, test } from 'vitest'
import { allowChannel } from '../../src/policy/channel-rule.ts'
import { policies } from '../../src/policy/policies.ts'
import type { User } from '../support/entities.ts'
import { createTestServer, typesOf } from '../support/test-server.ts'

test('says connected first, with what the connection may do', async () => {
  const server = createTestServer()
  const client = await server.connect('ann@red')
  expect(client.received).toEqual([
    {
      type: 'connected',
      payload: {
        connectionId: client.id,
        userId: 'ann',
        expiresAt: null,
        protocolVersion: 1,
        heartbeatIntervalMs: 25_000,
        limits: {
          maxSubscriptionsPerConnection: 50,
          maxFrameBytes: 65_536,
          maxMessagesPerSecond: 50,
          maxMessageBurst: 200,
        },
      },
      timestamp: server.clock.now(),
    },
  ])
})

test('a limit that is off is null in connected', async () => {
  const server = createTestServer({ limits: { maxSubscriptionsPerConnection: null } })
  const client = await server.connect()
  expect(client.received[0]?.payload.limits.maxSubscriptionsPerConnection).toBeNull()
})

test('without a token one is a guest at once, and authenticate is not asked', async () => {
  let asked = 0
  const server = createTestServer({
    authenticate: () => {
      asked++
      return null
    },
  })
  const client = await server.connect(null)
  expect(client.received[0]?.payload.userId).toBeNull()
  expect(asked).toBe(0)
})

test.each([
  ['bad', 'unauthorized'],
  ['expired', 'token_expired'],
  ['x'.repeat(4_097), 'unauthorized'],
])('a token that is not good closes with 4401 and the code: %#', async (token, reason) => {
  const server = createTestServer()
  const client = await server.connect(token)
  expect(client.closed).toEqual({ code: 4401, reason })
  expect(client.received).toEqual([])
  expect(server.connections.connectionCount).toBe(0)
})

test('a token that is nobody’s is a bad one, never a guest', async () => {
  const server = createTestServer({ authenticate: () => null })
  expect((await server.connect('who')).closed).toEqual({ code: 4401, reason: 'unauthorized' })
})

test('a server without authenticate refuses every token and lets guests in', async () => {
  const server = createTestServer({ authenticate: undefined as never })
  expect((await server.connect(null)).received[0]?.type).toBe('connected')
})

test('a principal whose session is over already is refused', async () => {
  const server = createTestServer({ authenticate: () => ({ id: 'ann', team: 'red', expiresAt: 1 }) })
  expect((await server.connect('t')).closed).toEqual({ code: 4401, reason: 'token_expired' })
})

test('an authenticate that breaks is a fault of the server, and no token gets into the log', async () => {
  const server = createTestServer({
    authenticate: ({ token }) => Promise.reject(new Error(`cannot parse ${token}`)),
  })
  expect((await server.connect('s3cret')).closed).toEqual({ code: 4500, reason: 'internal' })
  expect(JSON.stringify(server.logged)).not.toContain('s3cret')
  expect(server.logged.filter(({ level }) => level === 'error')).toHaveLength(1)
})

test('authentication that takes too long ends the connection; its late answer changes nothing', async () => {
  let accept: (user: User) => void = () => {}
  const server = createTestServer({
    authenticate: () => new Promise<User>((resolve) => (accept = resolve)),
    limits: { handshakeTimeoutMs: 500 },
  })
  const client = await server.connect('t')
  await server.clock.advance(499)
  expect(client.closed).toBeNull()
  await server.clock.advance(1)
  expect(client.closed).toEqual({ code: 4500, reason: 'timeout' })
  accept({ id: 'ann', team: 'red' })
  await drainMicrotasks()
  expect(client.received).toEqual([])
})

test('frames that come while authentication runs wait, and nothing precedes connected', async () => {
  let accept: (user: User) => void = () => {}
  const server = createTestServer({ authenticate: () => new Promise<User>((resolve) => (accept = resolve)) })
  const client = await server.connect('t')
  client.send({ type: 'ping', requestId: 'p' })
  client.send({ type: 'subscribe', channel: 'entity:Task' })
  await drainMicrotasks()
  expect(client.received).toEqual([])
  accept({ id: 'ann', team: 'red' })
  expect(typesOf(await client.take())).toEqual(['connected', 'pong', 'subscribed'])
})

test('more than 16 waiting frames close with 4429', async () => {
  const server = createTestServer({ authenticate: () => new Promise<User>(() => {}) })
  const client = await server.connect('t')
  for (let frame = 0; frame < 17; frame++) client.send({ type: 'ping' })
  await client.take()
  expect(client.closed?.code).toBe(4429)
})

test('a guest may ping and sign in; anything else is unauthorized and the connection stays', async () => {
  const server = createTestServer()
  const client = await server.connect(null)
  expect(typesOf(await client.ask({ type: 'ping' }))).toEqual(['pong'])
  const [refused] = await client.ask({ type: 'subscribe', channel: 'entity:Task', requestId: 'r' })
  expect(refused).toMatchObject({
    type: 'error',
    payload: { code: 'unauthorized' },
    requestId: 'r',
    channel: 'entity:Task',
  })
  const [answer] = await client.ask({ type: 'auth', payload: { token: 'ann@red' }, requestId: 'a' })
  expect(answer).toMatchObject({
    type: 'authenticated',
    payload: { userId: 'ann', expiresAt: null },
    requestId: 'a',
  })
  expect(typesOf(await client.ask({ type: 'subscribe', channel: 'entity:Task' }))).toEqual(['subscribed'])
  expect(client.closed).toBeNull()
})

test('what follows auth at once is handled after it', async () => {
  const server = createTestServer({ authenticate: async ({ token }) => ({ id: token ?? '', team: 'red' }) })
  const client = await server.connect(null)
  await client.take()
  client.send({ type: 'auth', payload: { token: 'ann' } })
  client.send({ type: 'subscribe', channel: 'entity:Task' })
  expect(typesOf(await client.take())).toEqual(['authenticated', 'subscribed'])
})

test('auth among the frames that waited makes the rest wait for it', async () => {
  const server = createTestServer({
    authenticate: async ({ token }) => (token === null ? null : { id: token, team: 'red' }),
  })
  // The cookie is asked about first, and is a guest's.
  const client = await server.connect(null, { headers: { cookie: 'a=b' } })
  expect(typesOf(client.received)).toEqual(['connected'])
  const early = await server.connect(null, { headers: { cookie: 'a=b' } })
  early.send({ type: 'auth', payload: { token: 'ann' } })
  early.send({ type: 'subscribe', channel: 'entity:Task' })
  expect(typesOf((await early.take()).slice(-2))).toEqual(['authenticated', 'subscribed'])
})

test('what waits behind an auth that waits itself is handled in order', async () => {
  const answers: (() => void)[] = []
  const server = createTestServer({
    authenticate: ({ token }) =>
      new Promise(
        (resolve) => void answers.push(() => resolve(token === null ? null : { id: token, team: 'red' })),
      ),
  })
  const client = await server.connect(null, { headers: { cookie: 'a=b' } })
  client.send({ type: 'auth', payload: { token: 'ann' } })
  client.send({ type: 'subscribe', channel: 'entity:Task' })
  await drainMicrotasks()
  answers[0]?.()
  expect(typesOf(await client.take())).toEqual(['connected'])
  answers[1]?.()
  expect(typesOf(await client.take())).toEqual(['authenticated', 'subscribed'])
})

test('auth with a bad token closes, with another user’s token too', async () => {
  const server = createTestServer()
  const first = await server.connect('ann@red')
  await first.ask({ type: 'auth', payload: { token: 'bad' } })
  expect(first.closed).toEqual({ code: 4401, reason: 'unauthorized' })
  const second = await server.connect('ann@red')
  await second.ask({ type: 'auth', payload: { token: 'bob@red' } })
  expect(second.closed).toEqual({ code: 4403, reason: 'forbidden' })
})

test('auth of the same user renews the session and its end', async () => {
  let expiresAt = 0
  const server = createTestServer({ authenticate: () => ({ id: 'ann', team: 'red', expiresAt }) })
  expiresAt = server.clock.now() + 10_000
  const client = await server.connect('t')
  expiresAt = server.clock.now() + 60_000
  await client.ask({ type: 'auth', payload: { token: 't' } })
  await server.clock.advance(30_000)
  expect(client.closed).toBeNull()
  await server.clock.advance(31_000)
  expect(client.closed).toEqual({ code: 4401, reason: 'token_expired' })
})

test('a request after the end of the session is not answered but closes', async () => {
  const server = createTestServer({
    authenticate: () => ({ id: 'ann', team: 'red', expiresAt: 1_700_000_000_500 }),
  })
  const client = await server.connect('t')
  await client.take()
  await server.clock.advance(600)
  await client.ask({ type: 'subscribe', channel: 'entity:Task' })
  expect(client.closed).toEqual({ code: 4401, reason: 'token_expired' })
  expect(typesOf(client.received)).toEqual(['connected'])
})

test('pings each connection once an interval, with one timer for all', async () => {
  const server = createTestServer({ heartbeatIntervalMs: 25_000 })
  const clients = await Promise.all(Array.from({ length: 20 }, () => server.connect()))
  expect(server.clock.pendingTimers).toBe(1)
  await server.clock.advance(250_000)
  expect(clients.every((client) => client.closed === null)).toBe(true)
  expect(server.clock.pendingTimers).toBe(1)
})

test('a peer that answers no ping is closed with 4408 and terminated a second later', async () => {
  const server = createTestServer({ heartbeatIntervalMs: 1_000 })
  const client = await server.connect()
  client.pair.blackhole()
  await server.clock.advance(2_500)
  expect(server.connections.connectionCount).toBe(1)
  await server.clock.advance(1_600)
  expect(server.connections.connectionCount).toBe(0)
  expect(client.pair.server.closedWith?.code).toBe(1006)
})

test('any sign of life counts, not the pong alone', async () => {
  const server = createTestServer({ heartbeatIntervalMs: 1_000 })
  const client = await server.connect()
  client.pair.blackhole('to-client')
  for (let second = 0; second < 10; second++) {
    client.send({ type: 'ping' })
    await server.clock.advance(1_000)
  }
  expect(server.connections.connectionCount).toBe(1)
})

test('says rate_limited again when frames are dropped after others were answered', async () => {
  const server = createTestServer({ limits: { maxMessagesPerSecond: 10, maxMessageBurst: 20 } })
  const client = await server.connect()
  for (let frame = 0; frame < 21; frame++) client.send({ type: 'ping' })
  expect((await client.take()).at(-1)?.payload).toMatchObject({ code: 'rate_limited' })
  await server.clock.advance(1_000)
  for (let frame = 0; frame < 12; frame++) client.send({ type: 'ping' })
  expect(typesOf(await client.take())).toEqual([...Array<string>(10).fill('pong'), 'error'])
})

test('says rate_limited once, then closes who goes on', async () => {
  const server = createTestServer({ limits: { maxMessagesPerSecond: 10, maxMessageBurst: 20 } })
  const client = await server.connect()
  await client.take()
  for (let frame = 0; frame < 25; frame++) client.send({ type: 'ping' })
  const answers = await client.take()
  expect(answers.filter(({ type }) => type === 'pong')).toHaveLength(20)
  expect(answers.filter(({ type }) => type === 'error')).toHaveLength(1)
  expect(answers.at(-1)?.payload).toMatchObject({ code: 'rate_limited', retryAfterMs: 100 })
  expect(client.closed).toBeNull()
  for (let frame = 0; frame < 20; frame++) client.send({ type: 'ping' })
  await client.take()
  expect(client.closed).toEqual({ code: 4429, reason: 'rate_limited' })
})

test('binary frames count against the rate too', async () => {
  const server = createTestServer({ limits: { maxMessagesPerSecond: 1, maxMessageBurst: 2 } })
  const client = await server.connect()
  for (let frame = 0; frame < 10; frame++) client.socket.send(new Uint8Array(1))
  await client.take()
  expect(client.closed?.code).toBe(4429)
})

test('limits connections per user and per address', async () => {
  const server = createTestServer({ limits: { maxConnectionsPerUser: 2, maxConnectionsPerAddress: 4 } })
  await server.connect('ann@red')
  const second = await server.connect('ann@red')
  expect((await server.connect('ann@red')).closed).toEqual({ code: 4429, reason: 'too_many_connections' })
  await server.connect('bob@red')
  await server.connect('cat@red')
  expect(server.connections.admits('10.0.0.1')).toBe('too_many_connections')
  expect((await server.connect('dan@red')).closed?.code).toBe(4429)
  expect((await server.connect('dan@red', { remoteAddress: '10.0.0.2' })).closed).toBeNull()
  second.socket.close()
  await drainMicrotasks()
  expect((await server.connect('ann@red')).closed).toBeNull()
})

test('a reader that takes nothing is closed with 4408 when its queue is full, and nobody else misses anything', async () => {
  const server = createTestServer({
    limits: { maxQueueBytes: 2_000 },
    policies: policies(allowChannel('room', () => true)),
  })
  const slow = await server.connect('ann@red')
  const healthy = await server.connect('bob@red')
  await slow.ask({ type: 'subscribe', channel: 'room:r' })
  await healthy.ask({ type: 'subscribe', channel: 'room:r' })
  slow.pair.stall('to-client')
  for (let count = 0; count < 100; count++) {
    server.connections.broadcast('room:r', { type: 'message', payload: { count } })
    await drainMicrotasks()
  }
  expect(slow.pair.server.bufferedBytes).toBeLessThanOrEqual(2_000)
  expect(await healthy.take()).toHaveLength(100)
  await server.clock.advance(1_000)
  expect(server.connections.connectionCount).toBe(1)
  expect(slow.pair.server.closedWith?.code).toBe(1006)
})

test('a reader that takes nothing is closed when its queue is full, though it shows signs of life', async () => {
  const server = createTestServer({
    heartbeatIntervalMs: 1_000,
    limits: { maxQueueBytes: 2_000 },
    policies: policies(allowChannel('room', () => true)),
  })
  const slow = await server.connect('ann@red')
  await slow.ask({ type: 'subscribe', channel: 'room:r' })
  slow.pair.stall('to-client')
  for (let second = 0; second < 20 && server.connections.connectionCount > 0; second++) {
    slow.send({ type: 'unsubscribe', channel: 'room:other' })
    server.connections.broadcast('room:r', { type: 'message', payload: 'x'.repeat(200) })
    await server.clock.advance(1_000)
    expect(slow.pair.server.bufferedBytes).toBeLessThanOrEqual(2_000)
  }
  expect(server.connections.connectionCount).toBe(0)
})

test('a frame larger than the queue reaches a reader who has read everything', async () => {
  const server = createTestServer({ limits: { maxQueueBytes: 100 } })
  const client = await server.connect()
  await client.take()
  server.connections.sendToUser('ann', { type: 'message', payload: 'x'.repeat(500) })
  expect(typesOf(await client.take())).toEqual(['message'])
})

test('broadcasts to who hears the channel, encoded once, without the one excluded', async () => {
  const server = createTestServer({
    policies: policies(allowChannel('room', (user: User) => user.team === 'red')),
  })
  const [ann, bob, eve] = [
    await server.connect('ann@red'),
    await server.connect('bob@red'),
    await server.connect('eve@blue'),
  ]
  for (const client of [ann, bob, eve]) await client.ask({ type: 'subscribe', channel: 'room:r' })
  expect(
    server.connections.broadcast('room:r', { type: 'message', payload: { hello: 1 } }, { exclude: ann.id }),
  ).toBe(1)
  expect(await ann.take()).toEqual([])
  expect(await eve.take()).toEqual([])
  expect(await bob.take()).toEqual([
    { type: 'message', channel: 'room:r', payload: { hello: 1 }, timestamp: server.clock.now() },
  ])
})

test('broadcast refuses rows and names that are none', () => {
  const { connections } = createTestServer()
  expect(() => connections.broadcast('entity:Task', { type: 'entity:created', payload: {} })).toThrowError(
    'Use the event bus',
  )
  expect(() => connections.broadcast('nope' as never, { type: 'x' })).toThrowError(DnrError)
})

test('sends to all connections of a user, on their channel', async () => {
  const server = createTestServer()
  const [one, two, other] = [
    await server.connect('ann@red'),
    await server.connect('ann@red'),
    await server.connect('bob@red'),
  ]
  expect(server.connections.sendToUser('ann', { type: 'message', payload: 1 })).toBe(2)
  await drainMicrotasks()
  for (const client of [one, two])
    expect(client.received.at(-1)).toMatchObject({ type: 'message', channel: 'user:ann', payload: 1 })
  expect(typesOf(other.received)).toEqual(['connected'])
  expect(server.connections.sendToUser('nobody', { type: 'message' })).toBe(0)
})

test('shows connections and counts, and forgets them', async () => {
  const server = createTestServer()
  const client = await server.connect('ann@red')
  await client.ask({ type: 'subscribe', channel: 'entity:Task' })
  expect(server.connections.connections.get(client.id)).toEqual({
    id: client.id,
    principal: { id: 'ann', team: 'red' },
    remoteAddress: '10.0.0.1',
    connectedAt: server.clock.now(),
    channels: ['entity:Task'],
  })
  expect([...server.connections.connections.keys()]).toEqual([client.id])
  expect(server.connections).toMatchObject({ connectionCount: 1, channelCount: 1, userCount: 1 })
  server.connections.disconnect(client.id)
  server.connections.disconnect('nobody')
  await drainMicrotasks()
  expect(client.closed?.code).toBe(1000)
  expect(server.connections).toMatchObject({ connectionCount: 0, channelCount: 0, userCount: 0 })
  await server.clock.advance(25_000)
  expect(server.clock.pendingTimers).toBe(0)
})

test('subscribes and unsubscribes a connection for it', async () => {
  const server = createTestServer()
  const client = await server.connect('ann@red')
  await client.take()
  expect(await server.connections.subscribe(client.id, 'entity:Task')).toBe('installed')
  expect(await server.connections.subscribe(client.id, 'room:secret')).toBe('refused')
  expect(await server.connections.subscribe('nobody', 'entity:Task')).toBe('refused')
  server.connections.unsubscribe(client.id, 'entity:Task')
  expect(typesOf(await client.take())).toEqual(['subscribed', 'error', 'unsubscribed'])
})

test('messages of the application’s own types go to its handler', async () => {
  const server = createTestServer()
  const undo = server.connections.handle('chat:say', (message, { principal, reply }) =>
    reply({ type: 'chat:said', payload: { by: principal.id, text: message.payload } }),
  )
  const client = await server.connect('ann@red')
  expect(await client.ask({ type: 'chat:say', payload: 'hi', requestId: 'q' })).toEqual([
    { type: 'chat:said', payload: { by: 'ann', text: 'hi' }, requestId: 'q', timestamp: server.clock.now() },
  ])
  undo()
  undo()
  expect((await client.ask({ type: 'chat:say' }))[0]?.payload.code).toBe('unknown_type')
})

test.each(['subscribe', 'pong', 'entity:created', 'presence:join'])(
  'the type %s is not the application’s',
  (type) => {
    expect(() => createTestServer().connections.handle(type, () => {})).toThrowError('is taken')
  },
)

test('a handler that fails is answered; only its own message suffers', async () => {
  const server = createTestServer()
  server.connections.handle('a:throw', () => {
    throw new Error('secret detail')
  })
  server.connections.handle('a:reject', () =>
    Promise.reject(new DnrError('busy', 'Later.', { retryAfterMs: 5 })),
  )
  const client = await server.connect()
  const [thrown] = await client.ask({ type: 'a:throw', requestId: '1' })
  expect(thrown).toMatchObject({ type: 'error', requestId: '1', payload: { code: 'internal' } })
  expect(JSON.stringify(thrown)).not.toContain('secret detail')
  const [rejected] = await client.ask({ type: 'a:reject', requestId: '2' })
  expect(rejected).toMatchObject({
    requestId: '2',
    payload: { code: 'busy', message: 'Later.', retryAfterMs: 5 },
  })
  expect(typesOf(await client.ask({ type: 'ping' }))).toEqual(['pong'])
})
