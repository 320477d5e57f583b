import { type Clock, DnrError, type Logger } from '@dnr/protocol'
import { createManualClock, createSocketPair, drainMicrotasks, type ManualClock } from '@dnr/testing'
import { describe, expect, test } from 'vitest'
import { createRealtimeServer, type RealtimeServer } from '../../src/server/create-realtime-server.ts'
import type { RealtimeServerOptions } from '../../src/server/options.ts'
import { allowChannel } from '../../src/policy/channel-rule.ts'
import { policies } from '../../src/policy/policies.ts'
import type { ServerPlugin } from '../../src/ports/server-plugin.ts'
import type { User } from '../support/entities.ts'
import { createMemoryStore, task } from '../support/memory-store.ts'
import { authenticate, type Received, teamPolicy } from '../support/test-server.ts'

interface Client {
  readonly received: Received[]
  readonly pair: ReturnType<typeof createSocketPair>
  closed: number | null
}

async function connect(
  realtime: RealtimeServer,
  clock: Clock,
  token: string | null = 'ann@red',
): Promise<Client> {
  const pair = createSocketPair({ clock })
  const client: Client = { pair, received: [], closed: null }
  pair.client.onmessage = ({ data }) => void client.received.push(JSON.parse(data as string) as Received)
  pair.client.onclose = ({ code }) => void (client.closed = code)
  pair.server.attach(
    realtime.webSockets.connect(pair.server, {
      url: '/ws',
      headers: {},
      cookies: new Map(),
      token,
      remoteAddress: '::1',
    }),
  )
  await drainMicrotasks()
  return client
}

function server(options: RealtimeServerOptions<User> = {}): {
  realtime: RealtimeServer
  clock: ManualClock
  memory: ReturnType<typeof createMemoryStore>
} {
  const clock = createManualClock()
  const memory = createMemoryStore()
  const realtime = createRealtimeServer<User>({
    repositories: [memory.store],
    history: memory.history,
    authenticate,
    policies: teamPolicy,
    clock,
    random: () => 0.5,
    ...options,
  })
  memory.sink = realtime.eventBus
  return { realtime, clock, memory }
}

test.each<[RealtimeServerOptions, string]>([
  [{ heartbeatIntervalMs: 0 }, 'heartbeatIntervalMs is 0: expected a whole number, 100 to 3600000.'],
  [{ heartbeatIntervalMs: Number.NaN }, 'heartbeatIntervalMs is NaN'],
  [{ policyTimeoutMs: -1 }, 'policyTimeoutMs is -1: expected a whole number, 1 to 3600000.'],
  [{ basePath: 'api/' }, 'basePath is "api/"'],
  [{ limits: { maxQueueBytes: -5 } }, 'limits.maxQueueBytes is -5'],
  [{ repositories: [createMemoryStore().store, createMemoryStore().store] }, 'repositories: Task has two.'],
])('names option, value and range of a wrong one: %#', (options, message) => {
  expect(() => createRealtimeServer(options)).toThrowError(message)
})

test('names entities without a policy at start, loudly', () => {
  const errors: string[] = []
  const logger: Logger = { error: (message) => void errors.push(message), info: () => {}, debug: () => {} }
  server({ policies: policies(), logger })
  expect(errors).toEqual([
    'No policy for Task: nobody may see or write these rows. Add allow(Task, (user) => …) to policies(…).',
  ])
})

test('names presence without a rule at start, when there is a plugin for it', () => {
  const errors: string[] = []
  const logger: Logger = { error: (message) => void errors.push(message), info: () => {}, debug: () => {} }
  const plugin: ServerPlugin = {
    name: 'presence',
    channelKinds: ['presence'],
    messageTypes: ['presence:join'],
    start: () => ({ message() {}, subscribed() {}, unsubscribed() {}, disconnected() {}, stop() {} }),
  }
  const rows = [...teamPolicy.allowancesByEntity.values()]
  server({
    policies: policies(
      ...rows,
      allowChannel('presence', () => true),
    ),
    plugins: [plugin],
    logger,
  })
  server({ policies: policies(...rows), logger })
  expect(errors).toEqual([])
  server({ policies: policies(...rows), plugins: [plugin], logger })
  expect(errors).toEqual([
    "No policy for presence: nobody may see who is where, or be seen. Add allowChannel('presence', (user, resource) => …) to policies(…).",
  ])
})

test('says nothing when all is well', async () => {
  const said: string[] = []
  const logger: Logger = {
    error: (message) => void said.push(message),
    info: (message) => void said.push(message),
    debug: () => {},
  }
  const { realtime, clock, memory } = server({ logger })
  await connect(realtime, clock)
  memory.write([{ id: 'a', row: task('red') }])
  await drainMicrotasks()
  expect(said).toEqual([])
})

test('counts', async () => {
  const { realtime, clock, memory } = server()
  const client = await connect(realtime, clock)
  client.pair.client.send('{"type":"subscribe","channel":"entity:Task"}')
  await drainMicrotasks()
  memory.write([{ id: 'a', row: task('red') }])
  await drainMicrotasks()
  expect(realtime.stats()).toEqual({
    connections: 1,
    users: 1,
    channels: 1,
    groups: 1,
    subscriptions: 1,
    framesSent: 3,
    policyFailures: 0,
    groupsInDoubt: 0,
    deliveryFailures: 0,
    logGaps: 0,
    position: { epoch: 'e1', offset: 1 },
    draining: false,
  })
})

describe('readiness', () => {
  const storage = (error: DnrError | null) => ({ health: async () => ({ ok: error === null, error }) })

  test('is a plain yes while the storage takes writes, or none is known', async () => {
    expect(await server().realtime.readiness()).toEqual({ ready: true })
    expect(await server({ storage: storage(null) }).realtime.readiness()).toEqual({ ready: true })
  })

  test('says which trouble the storage has', async () => {
    const full = new DnrError('storage_full', 'The disk is full.', { retryable: true, retryAfterMs: 5_000 })
    expect(await server({ storage: storage(full) }).realtime.readiness()).toEqual({
      ready: false,
      code: 'storage_full',
      message: 'The disk is full.',
      retryAfterMs: 5_000,
    })
  })

  test('is no while the server drains, whatever the storage says', async () => {
    const { realtime } = server({ storage: storage(null) })
    await realtime.drain()
    expect(await realtime.readiness()).toMatchObject({ ready: false, code: 'draining' })
  })

  test('is no when the storage does not answer in time, or throws', async () => {
    const silent = server({ storage: { health: () => new Promise(() => {}) } })
    const answer = silent.realtime.readiness()
    await silent.clock.advance(2_000)
    expect(await answer).toMatchObject({ ready: false, code: 'timeout' })
    expect(silent.clock.pendingTimers).toBe(0)
    const broken = server({ storage: { health: () => Promise.reject(new Error('secret')) } })
    const { message, ...rest } = (await broken.realtime.readiness()) as { readonly message: string }
    expect(rest).toEqual({ ready: false, code: 'internal' })
    expect(message).not.toContain('secret')
  })
})

test('drain refuses newcomers, gives every client a moment of its own, and closes who stays', async () => {
  const { realtime, clock } = server()
  const clients = [
    await connect(realtime, clock),
    await connect(realtime, clock),
    await connect(realtime, clock, null),
  ]
  const drained = realtime.drain({ timeoutMs: 1_000, spreadMs: 3_000 })
  await drainMicrotasks()
  expect(clients.map(({ received }) => received.at(-1)?.payload.delayMs)).toEqual([500, 1_500, 2_500])
  expect(realtime.webSockets.admits('::1')).toBe('draining')
  expect((await connect(realtime, clock)).closed).toBe(4503)
  clients[0]?.pair.client.close(1000)
  await clock.advance(900)
  expect(clients[1]?.closed).toBeNull()
  await clock.advance(200)
  await drained
  expect(clients.map(({ closed }) => closed)).toEqual([1000, 4503, 4503])
  await realtime.close()
  expect(clock.pendingTimers).toBe(0)
})

test('drain asks who is still signing in, too, as soon as they are', async () => {
  const asked: ((user: User) => void)[] = []
  const { realtime, clock } = server({ authenticate: () => new Promise((resolve) => asked.push(resolve)) })
  const clients = [await connect(realtime, clock), await connect(realtime, clock)]
  asked[0]?.({ id: 'ann', team: 'red' })
  await drainMicrotasks()
  const drained = realtime.drain({ timeoutMs: 1_000, spreadMs: 3_000 })
  asked[1]?.({ id: 'bob', team: 'red' })
  await drainMicrotasks()
  for (const { received } of clients)
    expect(received.map(({ type, payload }) => payload.delayMs ?? type)).toEqual(['connected', 1_500])
  await clock.advance(1_100)
  await drained
  await realtime.close()
})

test('drain ends soon when everybody has left', async () => {
  const { realtime, clock } = server()
  await realtime.drain()
  const client = await connect(realtime, clock)
  expect(client.closed).toBe(4503)
})

test('close ends every connection, also those that do not answer, and leaves no timer', async () => {
  const { realtime, clock } = server()
  const [polite, silent] = [await connect(realtime, clock), await connect(realtime, clock)]
  silent.pair.blackhole()
  const closed = realtime.close()
  expect(realtime.close()).toBe(closed)
  await clock.advance(1_500)
  await closed
  expect(polite.closed).toBe(4503)
  expect(realtime.webSockets.connectionCount).toBe(0)
  await clock.advance(30_000)
  expect(clock.pendingTimers).toBe(0)
})
