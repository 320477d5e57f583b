import { createDeferred } from '@dnr/internal'
import type { ClientMessage } from '@dnr/protocol'
import { drainMicrotasks } from '@dnr/testing'
import { expect, test } from 'vitest'
import { allowChannel } from '../../src/policy/channel-rule.ts'
import { policies } from '../../src/policy/policies.ts'
import { allow } from '../../src/policy/rule.ts'
import type { PluginHost, PluginSession, ServerPlugin } from '../../src/ports/server-plugin.ts'
import { Task } from '../support/entities.ts'
import { gate } from '../support/gate.ts'
import { createMemoryStore, task } from '../support/memory-store.ts'
import { createTestServer, typesOf } from '../support/test-server.ts'

function recording(
  session: Partial<PluginSession> = {},
): ServerPlugin & { host: PluginHost; calls: unknown[][] } {
  const calls: unknown[][] = []
  const plugin = {
    name: 'recorder',
    messageTypes: ['presence:join', 'presence:leave'] as const,
    channelKinds: ['presence'] as const,
    host: undefined as unknown as PluginHost,
    calls,
    start(host: PluginHost): PluginSession {
      plugin.host = host
      return {
        message: (connectionId, message) => void calls.push(['message', connectionId, message.type]),
        subscribed: (connectionId, channel) => void calls.push(['subscribed', connectionId, channel]),
        unsubscribed: (connectionId, channel) => void calls.push(['unsubscribed', connectionId, channel]),
        disconnected: (connectionId, { code }) => void calls.push(['disconnected', connectionId, code]),
        stop: () => void calls.push(['stop']),
        ...session,
      }
    },
  }
  return plugin
}

/** Subscribes to `presence:open` on each message; `outcomes`: what came of it. */
function joining(outcomes: string[], session: Partial<PluginSession> = {}): ReturnType<typeof recording> {
  const plugin = recording({
    ...session,
    message: async (connectionId) =>
      void outcomes.push(
        await plugin.host.subscribe(connectionId, 'presence:open', { quiet: true, requestId: 'join' }),
      ),
  })
  return plugin
}

/** One that does not ask to be told. */
const incurious: ServerPlugin = { ...recording(), name: 'silent', messageTypes: [] }

const openAlone = policies(
  allowChannel('presence', (_user, resource) => resource === 'open'),
  allowChannel('room', () => true),
)

test('a plugin gets its messages, and is told of its channels alone', async () => {
  const plugin = recording()
  const server = createTestServer({ plugins: [plugin], policies: openAlone })
  const client = await server.connect()
  await client.ask({ type: 'presence:join', channel: 'presence:open' })
  await client.ask({ type: 'subscribe', channel: 'presence:open' })
  await client.ask({ type: 'subscribe', channel: 'room:r' })
  await client.ask({ type: 'subscribe', channel: 'presence:closed' })
  await client.ask({ type: 'unsubscribe', channel: 'presence:open' })
  await client.ask({ type: 'unsubscribe', channel: 'presence:open' })
  client.socket.close(1000)
  await drainMicrotasks()
  expect(plugin.calls).toEqual([
    ['message', client.id, 'presence:join'],
    ['subscribed', client.id, 'presence:open'],
    ['unsubscribed', client.id, 'presence:open'],
    ['disconnected', client.id, 1000],
  ])
})

test('a plugin is told how long a connection had been silent when it was given up, and 0 of one that ended by itself', async () => {
  const ends: unknown[] = []
  const plugin = recording({ disconnected: (_, end) => void ends.push(end) })
  const server = createTestServer({ plugins: [plugin], policies: openAlone, heartbeatIntervalMs: 1_000 })
  const silent = await server.connect()
  await server.clock.advance(1_500)
  silent.pair.blackhole()
  await server.clock.advance(4_500)
  // Heard at 1 s, pinged in vain at 2 s and 3 s, closed at 4 s, terminated a second later.
  expect(ends).toEqual([{ code: 4408, reason: 'disconnected', silentMs: 4_000 }])
  const going = await server.connect()
  await server.clock.advance(1_500)
  going.socket.close(1000)
  await drainMicrotasks()
  expect(ends[1]).toMatchObject({ code: 1000, silentMs: 0 })
})

test('a plugin is told that a user was signed out, also when they have no connection', async () => {
  const signedOut: string[] = []
  const plugin = recording({ signedOut: (userId) => void signedOut.push(userId) })
  const server = createTestServer({ plugins: [plugin, incurious], policies: openAlone })
  const client = await server.connect('ann@red')
  server.connections.disconnectUser('ann')
  server.connections.disconnectUser('bob')
  await drainMicrotasks()
  expect(client.closed).toEqual({ code: 4401, reason: 'token_revoked' })
  expect(signedOut).toEqual(['ann', 'bob'])
})

test('a plugin subscribes quietly: authorised, without a frame and without being told', async () => {
  const plugin = recording()
  const server = createTestServer({ plugins: [plugin], policies: openAlone })
  const client = await server.connect()
  await client.take()
  expect(await plugin.host.subscribe(client.id, 'presence:open', { quiet: true })).toBe('installed')
  expect(await plugin.host.subscribe(client.id, 'presence:open', { quiet: true })).toBe('installed')
  expect([...plugin.host.subscribers('presence:open')]).toEqual([client.id])
  expect(await client.take()).toEqual([])
  expect(await plugin.host.subscribe(client.id, 'presence:closed', { quiet: true, requestId: 'r' })).toBe(
    'refused',
  )
  expect(
    (await client.take()).map(({ type, requestId, payload }) => [type, requestId, payload.code]),
  ).toEqual([['error', 'r', 'forbidden']])
  plugin.host.unsubscribe(client.id, 'presence:open')
  plugin.host.unsubscribe('nobody', 'presence:open')
  expect([...plugin.host.subscribers('presence:open')]).toEqual([])
  expect(plugin.calls).toEqual([])
  expect(await plugin.host.subscribe('nobody', 'presence:open', { quiet: true })).toBe('refused')
})

test('what a plugin subscribes for a client counts against the limit of the client', async () => {
  const outcomes: string[] = []
  const plugin = recording({
    message: async (connectionId, message) => {
      const channel = message.type === 'presence:join' ? message.channel : ''
      outcomes.push(await plugin.host.subscribe(connectionId, channel as 'presence:a', { quiet: true }))
    },
  })
  const server = createTestServer({
    plugins: [plugin],
    policies: policies(allowChannel('presence', () => true)),
    limits: { maxSubscriptionsPerConnection: 2 },
  })
  const client = await server.connect()
  await client.take()
  for (const resource of ['a', 'b', 'c'])
    client.send({ type: 'presence:join', channel: `presence:${resource}` })
  expect((await client.take()).map(({ payload }) => payload.code)).toEqual(['too_many_subscriptions'])
  expect(outcomes).toEqual(['installed', 'installed', 'refused'])
  expect(server.channels.subscriptionCount).toBe(2)
})

test('a plugin sends one frame to many, and refuses', async () => {
  const plugin = recording()
  const server = createTestServer({ plugins: [plugin], policies: openAlone })
  const [ann, bob] = [await server.connect('ann@red'), await server.connect('bob@red')]
  plugin.host.send([ann.id, bob.id, 'nobody'], {
    type: 'presence:join',
    channel: 'presence:open',
    payload: { users: [] },
  })
  plugin.host.refuse(ann.id, {
    code: 'not_joined',
    message: 'Join first.',
    requestId: 'q',
    channel: 'presence:open',
  })
  await drainMicrotasks()
  const expected = {
    type: 'presence:join',
    channel: 'presence:open',
    payload: { users: [] },
    timestamp: server.clock.now(),
  }
  expect(ann.received[1]).toEqual(expected)
  expect(bob.received[1]).toEqual(expected)
  expect(ann.received[2]).toMatchObject({
    type: 'error',
    payload: { code: 'not_joined', message: 'Join first.' },
    requestId: 'q',
  })
  expect(plugin.host.connection(ann.id)).toEqual({ id: ann.id, principal: { id: 'ann', team: 'red' } })
  expect(plugin.host.connection('nobody')).toBeUndefined()
})

test('a plugin that throws or rejects disturbs nobody', async () => {
  const boom = (): never => {
    throw new Error('boom')
  }
  const plugin = recording({
    message: (_: string, message: ClientMessage) =>
      message.type === 'presence:join' ? boom() : Promise.reject(new Error('boom')),
    subscribed: boom,
    disconnected: boom,
  })
  const server = createTestServer({ plugins: [plugin], policies: openAlone })
  const client = await server.connect()
  for (const type of ['presence:join', 'presence:leave']) {
    const [answer] = await client.ask({ type, channel: 'presence:open', requestId: 'r' })
    expect(answer).toMatchObject({ type: 'error', requestId: 'r', payload: { code: 'internal' } })
  }
  expect(typesOf(await client.ask({ type: 'subscribe', channel: 'presence:open' }))).toEqual(['subscribed'])
  client.socket.close()
  await drainMicrotasks()
  expect(server.connections.connectionCount).toBe(0)
})

test('two plugins for one message are refused by name', () => {
  expect(() => createTestServer({ plugins: [recording(), recording()] })).toThrowError(
    'plugins: recorder handles presence:join',
  )
})

for (const first of ['join', 'subscribe'] as const) {
  test(`a client's subscribe and a plugin's under the same key are both kept while the rule is asked: ${first} first`, async () => {
    const outcomes: string[] = []
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const calls: string[] = []
    const plugin = joining(outcomes, { subscribed: (_, channel) => void calls.push(channel) })
    const server = createTestServer({
      plugins: [plugin],
      policies: policies(allowChannel('presence', () => promise)),
    })
    const client = await server.connect()
    await client.take()
    const frames = {
      join: { type: 'presence:join', channel: 'presence:open', requestId: 'join' },
      subscribe: { type: 'subscribe', channel: 'presence:open', requestId: 'own' },
    }
    client.send(frames[first])
    client.send(frames[first === 'join' ? 'subscribe' : 'join'])
    await drainMicrotasks()
    resolve(true)
    expect((await client.take()).map(({ type, requestId }) => `${type} ${requestId}`)).toEqual([
      'subscribed own',
    ])
    expect(outcomes).toEqual(['installed'])
    expect(calls).toEqual(['presence:open'])
    expect(server.channels.subscriptionCount).toBe(1)
  })
}

test('who waits for the same permission is refused each for itself', async () => {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const outcomes: string[] = []
  const plugin = joining(outcomes)
  const server = createTestServer({
    plugins: [plugin],
    policies: policies(allowChannel('presence', () => promise)),
  })
  const client = await server.connect()
  await client.take()
  client.send({ type: 'subscribe', channel: 'presence:open', requestId: 'own' })
  client.send({ type: 'presence:join', channel: 'presence:open', requestId: 'join' })
  client.send({ type: 'subscribe', channel: 'presence:open', requestId: 'again' })
  await drainMicrotasks()
  resolve(false)
  expect(
    (await client.take()).map(({ payload, requestId }) => `${payload.code} ${requestId}`).sort(),
  ).toEqual(['cancelled own', 'forbidden again', 'forbidden join'])
  expect(outcomes).toEqual(['refused'])
})

test('a plugin that lets go of a channel does not cancel the subscribe of the client itself', async () => {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const plugin = recording({
    message: (connectionId) => plugin.host.unsubscribe(connectionId, 'presence:open'),
  })
  const server = createTestServer({
    plugins: [plugin],
    policies: policies(allowChannel('presence', () => promise)),
  })
  const client = await server.connect()
  await client.take()
  client.send({ type: 'subscribe', channel: 'presence:open', requestId: 'own' })
  client.send({ type: 'presence:leave', channel: 'presence:open' })
  resolve(true)
  expect(typesOf(await client.take())).toEqual(['subscribed'])
})

test('a plugin ends what it subscribed, and nothing that the client itself asked for', async () => {
  const plugin = recording()
  const server = createTestServer({ plugins: [plugin], policies: openAlone })
  const client = await server.connect()
  const channel = 'presence:open'
  const count = () => server.channels.subscriptionCount
  await client.ask({ type: 'subscribe', channel, payload: { subscription: 'v' } })
  await plugin.host.subscribe(client.id, channel, { quiet: true })
  expect(count()).toBe(2)
  plugin.host.unsubscribe(client.id, channel)
  expect(count()).toBe(1)
  // What takes the place of the plugin's is the client's own.
  await plugin.host.subscribe(client.id, channel, { quiet: true })
  await client.ask({ type: 'subscribe', channel })
  plugin.host.unsubscribe(client.id, channel)
  expect(count()).toBe(2)
  await client.ask({ type: 'unsubscribe', channel })
  await client.ask({ type: 'unsubscribe', channel, payload: { subscription: 'v' } })
  expect(count()).toBe(0)
  expect(plugin.calls.at(-1)).toEqual(['unsubscribed', client.id, channel])
})

test('what a plugin subscribed is its own to end also when rights have changed since', async () => {
  const plugin = recording()
  let team = 'red'
  const server = createTestServer({
    plugins: [plugin],
    policies: policies(allow(Task, () => ({ key: team, sees: (row) => row.team === team }))),
  })
  const client = await server.connect()
  await plugin.host.subscribe(client.id, 'entity:Task', { quiet: true })
  team = 'blue'
  await server.rightsChanged({ userId: 'ann' })
  expect(server.channels.subscriptionCount).toBe(1)
  plugin.host.unsubscribe(client.id, 'entity:Task')
  expect(server.channels.subscriptionCount).toBe(0)
})

/** Of a plugin of rows, what it hears of subscriptions; rules answer with `answer`. */
function watchingRows(memory = createMemoryStore({ chunkRows: 1 })) {
  const calls: string[] = []
  const plugin = recording({
    subscribed: () => void calls.push('subscribed'),
    unsubscribed: () => void calls.push('unsubscribed'),
  })
  for (const id of ['a', 'b']) memory.write([{ id, row: task('red') }])
  const rule = { sees: () => true }
  const the: { answer: unknown } = { answer: rule }
  const server = createTestServer({
    memory,
    plugins: [{ ...plugin, channelKinds: ['entity'] }],
    policies: policies(allow(Task, () => the.answer as typeof rule)),
  })
  return { calls, memory, server, the, rule }
}
const rows = { type: 'subscribe', channel: 'entity:Task', payload: { snapshot: true } }

test('a plugin of rows is told once that a subscription is over which is sent away while it is asked about', async () => {
  const { calls, memory, server, the, rule } = watchingRows()
  const client = await server.connect()
  await client.ask(rows)
  const { promise, resolve } = createDeferred()
  the.answer = promise.then(() => rule)
  void server.rightsChanged({ userId: 'ann' })
  await drainMicrotasks()
  // What went on meanwhile is not known: whoever hears rows begins anew.
  memory.write([{ id: 'a', row: task('red') }], { publish: false })
  server.eventBus.skipTo({ position: memory.position() })
  resolve()
  expect(typesOf(await client.take())).toEqual(['unsubscribed'])
  expect(calls).toEqual(['subscribed', 'unsubscribed'])
})

test('and one that is asked for again and forbidden, as rights say that change meanwhile', async () => {
  const { calls, server, the } = watchingRows()
  const client = await server.connect()
  await client.ask(rows)
  const { promise, resolve } = createDeferred()
  the.answer = promise.then(() => false)
  client.send(rows)
  await drainMicrotasks()
  void server.rightsChanged({ userId: 'ann' })
  await drainMicrotasks()
  resolve()
  expect(typesOf(await client.take())).toContain('error')
  expect(calls).toEqual(['subscribed', 'unsubscribed'])
})

test('and one that is asked for again, and given up before the rows have come', async () => {
  const { calls, memory, server } = watchingRows()
  const client = await server.connect()
  await client.ask(rows)
  const chunk = gate(memory, 'chunk')
  client.send(rows)
  await chunk.reached
  client.send({ type: 'unsubscribe', channel: 'entity:Task' })
  await drainMicrotasks()
  chunk.open()
  await drainMicrotasks()
  expect(calls).toEqual(['subscribed', 'unsubscribed'])
})

test('of one that was never whole a plugin hears nothing', async () => {
  const { calls, memory, server, the } = watchingRows()
  const client = await server.connect()
  const chunk = gate(memory, 'chunk')
  client.send(rows)
  await chunk.reached
  the.answer = false
  client.send(rows)
  await drainMicrotasks()
  chunk.open()
  expect(typesOf(await client.take())).toContain('error')
  expect(calls).toEqual([])
})
