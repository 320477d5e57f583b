import { DnrError } from '@dnr/protocol'
import { createManualClock } from '@dnr/testing'
import { expect, test } from 'vitest'
import { createRealtimeClient } from '@dnr/client'
import { settle, setUp } from '../setup.ts'

test('connects, and says who and since when', async () => {
  await using t = await setUp()
  expect(t.client.state.value).toMatchObject({
    status: 'ready',
    connectionId: 'c0',
    userId: 'alice',
    attempt: 1,
  })
  expect(t.client.connected.value).toBe(true)
  expect(t.server.peer.protocols).toEqual(['dnr.v1'])
})

test('is connecting, then authenticating, until the server has said connected', async () => {
  await using t = await setUp({ connect: false, before: (server) => server.held.add('connected') })
  expect(t.client.state.value.status).toBe('idle')
  t.client.connect()
  expect(t.client.state.value.status).toBe('connecting')
  await settle()
  expect(t.client.state.value.status).toBe('authenticating')
  t.server.welcome(t.server.peer)
  await settle()
  expect(t.client.state.value.status).toBe('ready')
})

test('gives up a connection attempt that takes too long, and tries again', async () => {
  await using t = await setUp({ connectTimeoutMs: 3_000, before: (server) => server.held.add('connected') })
  await t.clock.advance(2_999)
  expect(t.client.state.value.status).toBe('authenticating')
  await t.clock.advance(1)
  expect(t.client.state.value).toMatchObject({ status: 'waiting', cause: { code: 'timeout' } })
  t.server.held.clear()
  await t.clock.advance(2_000)
  expect(t.client.state.value.status).toBe('ready')
  expect(t.server.peers).toHaveLength(2)
})

test('says why it waits and when it tries again, and retryNow does not wait', async () => {
  await using t = await setUp()
  t.server.peer.pair.cut()
  await settle()
  expect(t.client.state.value).toMatchObject({
    status: 'waiting',
    attempt: 2,
    retryAt: t.clock.now() + 1_000,
    cause: { code: 'disconnected' },
  })
  t.client.retryNow()
  await settle()
  expect(t.client.state.value.status).toBe('ready')
})

test('F22 how long a connection held is told by the time that passed, whatever the wall clock does', async () => {
  await using t = await setUp()
  t.clock.setNow(t.clock.now() + 3_600_000)
  t.server.peer.pair.cut()
  await settle()
  expect(t.client.state.value).toMatchObject({ status: 'waiting', attempt: 2 })
  t.client.retryNow()
  await settle()
  await t.clock.advance(10_000)
  t.clock.setNow(t.clock.now() - 3_600_000)
  t.server.peer.pair.cut()
  await settle()
  expect(t.client.state.value).toMatchObject({ status: 'waiting', attempt: 1 })
})

test('(I118) send while there is no connection is refused, never thrown and never queued', async () => {
  await using t = await setUp({ before: (server) => server.held.add('connected') })
  expect(t.client.send({ type: 'message', channel: 'room:a' })).toBe(false)
  t.server.welcome(t.server.peer)
  await settle()
  expect(t.client.send({ type: 'message', channel: 'room:a', payload: 1 })).toBe(true)
  t.server.peer.pair.client.close()
  expect(t.client.send({ type: 'message', channel: 'room:a', payload: 2 })).toBe(false)
  const circular: Record<string, unknown> = {}
  circular['self'] = circular
  expect(t.client.send({ type: 'message', payload: circular })).toBe(false)
  await settle()
  expect(t.server.heard('message').map(({ payload }) => payload)).toEqual([1])
})

test('a frame above the server’s limit is refused here and does not cost the connection', async () => {
  await using t = await setUp()
  await expect(t.client.request({ type: 'x', payload: 'é'.repeat(500) })).rejects.toMatchObject({
    code: 'too_big',
    retryable: false,
  })
  expect(t.client.connected.value).toBe(true)
})

test('(I119) clients that lose one server come back spread over the whole delay', async () => {
  const clock = createManualClock()
  const startsByClient = Array.from({ length: 100 }, (): number[] => [])
  const clients = startsByClient.map((starts, index) =>
    createRealtimeClient({
      url: 'ws://test',
      clock,
      random: () => (index + 0.5) / 100,
      createSocket: () => {
        starts.push(clock.monotonic())
        throw new Error('the server is down')
      },
    }),
  )
  await clock.advance(2_000)
  const second = startsByClient.map((starts) => starts[1])
  expect(new Set(second).size).toBe(100)
  expect([Math.min(...second.map(Number)), Math.max(...second.map(Number))]).toEqual([10, 1_990])
  clients.forEach((client) => client.close())
})

test('(I119) goes on trying after hundreds of failures', async () => {
  const clock = createManualClock()
  let tries = 0
  const client = createRealtimeClient({
    url: 'ws://test',
    clock,
    random: () => 0.5,
    createSocket: () => {
      tries++
      throw new Error('down')
    },
  })
  await clock.advance(3_600_000)
  expect(tries).toBeGreaterThan(200)
  expect(client.state.value.status).toBe('waiting')
  client.close()
})

test('asks for a token before every connect, and sends it where no log shows it', async () => {
  let token = 0
  await using t = await setUp({ getToken: async () => `t${++token}` })
  t.server.peer.pair.cut()
  await t.clock.advance(1_000)
  expect(t.server.peers.map(({ protocols }) => protocols)).toEqual([
    ['dnr.v1', 'bearer.t1'],
    ['dnr.v1', 'bearer.t2'],
  ])
  expect(t.server.peers.map(({ url }) => url)).toEqual(['ws://test/ws', 'ws://test/ws'])
})

test('a token that no subprotocol can carry goes into the URL, and null is a guest', async () => {
  const tokens = ['a b=', null]
  await using t = await setUp({ getToken: () => tokens.shift() ?? null })
  t.server.peer.pair.cut()
  await t.clock.advance(1_000)
  expect(t.server.peers.map(({ url, protocols }) => [url, protocols])).toEqual([
    ['ws://test/ws?token=a%20b%3D', ['dnr.v1']],
    ['ws://test/ws', ['dnr.v1']],
  ])
})

test('(I121) a refused token is asked for once more, then the state says that somebody must sign in', async () => {
  let calls = 0
  await using t = await setUp({
    getToken: () => `t${++calls}`,
    before: (server) => server.held.add('connected'),
  })
  t.server.peer.pair.server.close(4401, 'token_expired')
  await settle()
  expect(calls).toBe(2)
  t.server.peer.pair.server.close(4401, 'token_expired')
  await settle()
  expect(t.client.state.value).toMatchObject({ status: 'needs-auth', cause: { code: 'token_expired' } })
  await t.clock.advance(600_000)
  expect(t.server.peers).toHaveLength(2)
  t.server.held.clear()
  t.client.connect()
  await settle()
  expect(t.client.connected.value).toBe(true)
})

test('(I121) forbidden is final until somebody connects again', async () => {
  await using t = await setUp()
  t.server.peer.pair.server.close(4403, 'forbidden')
  await t.clock.advance(600_000)
  expect(t.client.state.value).toMatchObject({ status: 'closed', cause: { code: 'forbidden' } })
  expect(t.server.peers).toHaveLength(1)
})

test('(I121) an expired session goes on at once with a fresh token', async () => {
  let calls = 0
  await using t = await setUp({ getToken: async () => `t${++calls}` })
  await t.clock.advance(60_000)
  t.server.peer.pair.server.close(4401, 'token_expired')
  await settle()
  expect(t.client.connected.value).toBe(true)
  expect(t.server.peer.protocols).toEqual(['dnr.v1', 'bearer.t2'])
})

test('(I127) a token that was fetched for a dead connection is not used for the next', async () => {
  const answers: ((token: string) => void)[] = []
  await using t = await setUp({ getToken: () => new Promise<string>((resolve) => answers.push(resolve)) })
  t.page.tell({ type: 'offline' })
  t.client.retryNow()
  await settle()
  answers[0]?.('late')
  await settle()
  expect(t.server.peers).toHaveLength(0)
  answers[1]?.('fresh')
  await settle()
  expect(t.server.peers.map(({ protocols }) => protocols[1])).toEqual(['bearer.fresh'])
})

test('a failing getToken is the cause shown, and is tried again', async () => {
  let calls = 0
  await using t = await setUp({
    getToken: () => {
      if (++calls === 1) throw new Error('no network')
      return 'ok'
    },
  })
  expect(t.client.state.value).toMatchObject({
    status: 'waiting',
    cause: { code: 'disconnected', cause: new Error('no network') },
  })
  await t.clock.advance(1_000)
  expect(t.client.connected.value).toBe(true)
})

test('a draining server is left at once and met again at the time it named', async () => {
  await using t = await setUp()
  t.server.peer.say({ type: 'reconnect', payload: { delayMs: 700 } })
  await settle()
  expect(t.client.state.value).toMatchObject({
    status: 'waiting',
    retryAt: t.clock.now() + 700,
    cause: { code: 'draining' },
  })
  expect(t.server.peer.pair.server.closedWith?.code).toBe(1005)
  await t.clock.advance(699)
  expect(t.server.peers).toHaveLength(1)
  await t.clock.advance(1)
  expect(t.client.connected.value).toBe(true)
})

test('(I123) a half-open socket is noticed by an unanswered ping', async () => {
  await using t = await setUp({ heartbeatIntervalMs: 25_000, heartbeatTimeoutMs: 5_000 })
  t.server.peer.pair.blackhole()
  await t.clock.advance(30_999)
  expect(t.client.state.value.status).toBe('ready')
  await t.clock.advance(1)
  expect(t.client.state.value).toMatchObject({ status: 'waiting', cause: { code: 'disconnected' } })
})

test('(I123) an unanswered request asks for a sign of life, and a half-open socket is replaced', async () => {
  await using t = await setUp({ requestTimeoutMs: 2_000, heartbeatTimeoutMs: 5_000 })
  t.server.peer.pair.blackhole()
  const answer = expect(t.client.request({ type: 'subscribe', channel: 'room:a' })).rejects.toMatchObject({
    code: 'timeout',
    retryable: true,
  })
  await t.clock.advance(2_000)
  await answer
  await t.clock.advance(6_000)
  expect(t.client.state.value.status).toBe('waiting')
})

test('(I122) after a sleep the frames that wait in the socket are read before it is declared dead', async () => {
  await using t = await setUp({ heartbeatIntervalMs: 25_000, heartbeatTimeoutMs: 5_000 })
  t.server.held.add('ping')
  await t.clock.advance(30_000)
  // Both timers were overdue; the pong comes out of the socket only now.
  t.server.peer.say({ type: 'pong' })
  await t.clock.advance(10_000)
  expect(t.client.state.value.status).toBe('ready')
})

test('(I124) online does not undo a disconnect', async () => {
  await using t = await setUp()
  t.client.disconnect()
  t.page.tell({ type: 'wake' })
  await t.clock.advance(600_000)
  expect(t.client.state.value.status).toBe('idle')
  expect(t.server.peer.pair.server.closedWith?.code).toBe(1000)
  t.client.connect()
  await settle()
  expect(t.client.connected.value).toBe(true)
})

test('(I125) offline during the handshake aborts it, and a later connect works', async () => {
  await using t = await setUp({ before: (server) => server.held.add('connected') })
  t.page.tell({ type: 'offline' })
  expect(t.client.state.value.status).toBe('waiting')
  t.server.welcome(t.server.peer)
  t.server.held.clear()
  await settle()
  expect(t.client.state.value.status).toBe('waiting')
  t.page.tell({ type: 'wake' })
  await settle()
  expect(t.client.state.value.status).toBe('ready')
})

test('offline on an open connection is a hint: it is probed, not dropped', async () => {
  await using t = await setUp()
  t.page.tell({ type: 'offline' })
  await settle()
  expect(t.server.heard('ping')).toHaveLength(1)
  await t.clock.advance(60_000)
  expect(t.client.state.value.status).toBe('ready')
})

test('(I126) a page put into the back/forward cache closes its socket and comes back with it', async () => {
  await using t = await setUp()
  t.page.tell({ type: 'hide', persisted: true })
  await settle()
  expect(t.client.state.value.status).toBe('suspended')
  expect(t.server.peer.pair.server.closedWith?.code).toBe(1005)
  t.page.tell({ type: 'show' })
  await settle()
  expect(t.client.state.value.status).toBe('ready')
})

test('(I128) unknown messages and fields are ignored, unreadable frames are reported, and neither disturbs the connection', async () => {
  await using t = await setUp()
  t.server.peer.say({ type: 'hologram', channel: 'entity:Task', payload: 3, extra: true })
  t.server.peer.pair.server.send({ text: '{"type":', byteLength: 8 })
  t.server.peer.pair.server.send({ text: 'null', byteLength: 4 })
  t.server.peer.say({ type: 'subscribed' })
  await settle()
  expect(t.errors).toHaveLength(2)
  expect(t.errors[0]).toMatchObject({ code: 'bad_message' })
  expect(t.client.connected.value).toBe(true)
})

test.for(['ready', 'waiting', 'connecting', 'idle'])(
  '(I130) close while %s leaves no timer, no socket and no listener',
  async (status) => {
    await using t = await setUp({
      lingerMs: 5_000,
      before: (server) => status === 'connecting' && server.held.add('connected'),
    })
    t.client.subscribe('room:a', {}).unsubscribe()
    t.client.collection('Task').close()
    void t.client.subscribe('entity:Task', {})
    t.client.request({ type: 'subscribe', channel: 'room:b' }).catch(() => {})
    if (status === 'waiting') t.server.peer.pair.cut()
    if (status === 'idle') t.client.disconnect()
    await settle()
    t.client.close()
    await settle()
    expect(t.clock.pendingTimers).toBe(0)
    expect(t.page.listeners).toBe(0)
    expect(t.server.peer.pair.client.readyState).toBe(3)
    expect(t.client.state.value).toEqual({ status: 'closed', cause: null })
    t.client.connect()
    await t.clock.advance(600_000)
    expect(t.server.peers).toHaveLength(1)
  },
)

test('a state listener may call the client: every state is left before the next is entered', async () => {
  await using t = await setUp()
  const seen: string[] = []
  const undo = t.client.state.subscribe(({ status }) => {
    seen.push(status)
    if (status === 'waiting') t.client.connect()
  })
  t.server.peer.pair.cut()
  await settle()
  expect(seen).toEqual(['ready', 'waiting', 'connecting', 'authenticating', 'ready'])
  undo()
})

test('a state listener that throws is reported and does not stop the machine', async () => {
  await using t = await setUp()
  t.client.state.subscribe(({ status }) => {
    if (status === 'waiting') throw new Error('boom')
  })
  t.server.peer.pair.cut()
  await t.clock.advance(1_000)
  expect(t.client.connected.peek()).toBe(true)
  expect(t.errors).toMatchObject([{ code: 'internal', cause: new Error('boom') }])
})

test('estimates the server’s clock from pong', async () => {
  await using t = await setUp()
  t.server.held.add('ping')
  await t.clock.advance(25_000)
  const text = JSON.stringify({ type: 'pong', timestamp: t.clock.now() + 5_000 })
  t.server.peer.pair.server.send({ text, byteLength: text.length })
  await settle()
  expect(t.client.serverTimeOffsetMs).toBe(5_000)
})

test.for([
  [{ url: 'https://x' }, 'url'],
  [{ url: 'ws://x', lingerMs: -1 }, 'lingerMs'],
  [{ url: 'ws://x', backoffMaxMs: Number.NaN }, 'backoffMaxMs'],
] as const)('a wrong option fails at construction and is named: %o', ([options, name]) => {
  expect(() => createRealtimeClient(options)).toThrow(DnrError)
  expect(() => createRealtimeClient(options)).toThrow(name)
})
