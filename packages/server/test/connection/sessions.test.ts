// Sessions: how one begins, is renewed, ends by time and by command, and the races between these.
import { DnrError } from '@dnr/protocol'
import { drainMicrotasks } from '@dnr/testing'
import { describe, expect, test } from 'vitest'
import type { Credentials } from '../../src/connection/authenticate.ts'
import { allowChannel } from '../../src/policy/channel-rule.ts'
import { allow } from '../../src/policy/rule.ts'
import { policies } from '../../src/policy/policies.ts'
import { Task, type User } from '../support/entities.ts'
import { createMemoryStore, task } from '../support/memory-store.ts'
import { createTestServer, type TestClient, type TestServer, typesOf } from '../support/test-server.ts'

const MINUTE = 60_000

/** Tokens are `name@team@milliseconds`: a session of that length from the moment it is looked at. */
function lasting(clock: () => number) {
  return ({ token }: Pick<Credentials, 'token'>): User | null => {
    const [id = '', team = '', ms] = (token ?? '').split('@')
    if (id === '') return null
    return { id, team, ...(ms !== undefined && { expiresAt: clock() + Number(ms) }) }
  }
}

function createLasting(options: Parameters<typeof createTestServer>[0] = {}): TestServer {
  const server: TestServer = createTestServer({
    authenticate: (c) => lasting(() => server.clock.now())(c),
    ...options,
  })
  return server
}

/** Every question is answered by the test. */
function createAsking(options: Parameters<typeof createTestServer>[0] = {}) {
  const asked: { token: string | null; accept(user: User | null): void; refuse(error: unknown): void }[] = []
  const server = createTestServer({
    authenticate: ({ token }) =>
      new Promise<User | null>((accept, refuse) => asked.push({ token, accept, refuse })),
    ...options,
  })
  return { server, asked }
}

/** The heartbeat's one goes at its next tick when nobody is left. */
async function timersLeft({ clock }: TestServer): Promise<number> {
  await clock.advance(1_000)
  return clock.pendingTimers
}

const ann: User = { id: 'ann', team: 'red' }
const renew = (client: TestClient, token: string) =>
  client.ask({ type: 'auth', payload: { token }, requestId: 'renew' })

describe('the end of a session', () => {
  test('is told with connected and with authenticated, and is null when there is none', async () => {
    const server = createLasting()
    const client = await server.connect(`ann@red@${MINUTE}`)
    expect(client.received[0]?.payload.expiresAt).toBe(server.clock.now() + MINUTE)
    const [answer] = await renew(client, 'ann@red@120000')
    expect(answer?.payload).toEqual({ userId: 'ann', expiresAt: server.clock.now() + 120_000 })
    expect((await server.connect('ann@red')).received[0]?.payload.expiresAt).toBeNull()
    expect((await server.connect(null)).received[0]?.payload.expiresAt).toBeNull()
  })

  test('the client is asked in time, and who answers goes on without a frame lost or sent twice', async () => {
    const server = createLasting()
    const client = await server.connect(`ann@red@${10 * MINUTE}`)
    await client.ask({ type: 'subscribe', channel: 'entity:Task' })
    // The random number is 0.5: one and a half leads before the end.
    await server.clock.advance(10 * MINUTE - 45_001)
    expect(await client.take()).toEqual([])
    await server.clock.advance(1)
    const endsAt = server.clock.now() + 45_000
    expect(await client.take()).toEqual([
      { type: 'auth', payload: { expiresAt: endsAt }, timestamp: server.clock.now() },
    ])
    expect(typesOf(await renew(client, `ann@red@${10 * MINUTE}`))).toEqual(['authenticated'])
    server.memory.write([{ id: 't1', row: task('red') }])
    await server.clock.advance(MINUTE)
    expect(typesOf(await client.take())).toEqual(['entity:created'])
    expect(client.closed).toBeNull()
  })

  test('who does not answer is asked again, and is closed at the very end', async () => {
    const server = createLasting()
    const client = await server.connect(`ann@red@${10 * MINUTE}`)
    await server.clock.advance(10 * MINUTE - 1)
    expect(client.closed).toBeNull()
    const asked = typesOf(await client.take()).filter((type) => type === 'auth')
    expect(asked.length).toBeGreaterThan(2)
    expect(asked.length).toBeLessThan(10)
    await server.clock.advance(1)
    expect(client.closed).toEqual({ code: 4401, reason: 'token_expired' })
    expect(await timersLeft(server)).toBe(0)
  })

  test('nothing is sent under an ended session', async () => {
    const server = createLasting()
    const client = await server.connect('ann@red@5000')
    await client.ask({ type: 'subscribe', channel: 'entity:Task' })
    await server.clock.advance(5_000)
    server.memory.write([{ id: 't1', row: task('red') }])
    expect(typesOf(await client.take()).filter((type) => type !== 'auth')).toEqual([])
    expect(client.closed?.reason).toBe('token_expired')
  })

  test('nothing is sent under a session that is over because the wall clock was set forward', async () => {
    const server = createLasting()
    const client = await server.connect('ann@red@600000')
    await client.ask({ type: 'subscribe', channel: 'entity:Task' })
    server.clock.setNow(server.clock.now() + 3_600_000)
    await server.clock.advance(1_000)
    server.memory.write([{ id: 't1', row: task('red') }])
    expect(typesOf(await client.take())).toEqual([])
    expect(client.closed?.reason).toBe('token_expired')
  })

  test('a renewal that is still being judged at the end comes too late', async () => {
    const { server, asked } = createAsking()
    const client = await server.connect('first')
    asked[0]?.accept({ ...ann, expiresAt: server.clock.now() + 9_000 })
    await server.clock.advance(7_000)
    client.send({ type: 'auth', payload: { token: 'second' } })
    await server.clock.advance(2_000)
    expect(client.closed).toEqual({ code: 4401, reason: 'token_expired' })
    asked[1]?.accept({ ...ann, expiresAt: server.clock.now() + MINUTE })
    await drainMicrotasks()
    expect(typesOf(client.received)).not.toContain('authenticated')
    expect(await timersLeft(server)).toBe(0)
  })

  test('while a renewal is being judged a client may say what it may say at any time', async () => {
    const { server, asked } = createAsking({ limits: { maxMessageBurst: 40 } })
    const client = await server.connect('t')
    asked[0]?.accept(ann)
    await client.take()
    client.send({ type: 'auth', payload: { token: 'new' } })
    for (let frame = 0; frame < 39; frame++) client.send({ type: 'ping' })
    await drainMicrotasks()
    asked[1]?.accept(ann)
    expect(typesOf(await client.take())).toEqual(['authenticated', ...Array<string>(39).fill('pong')])
    expect(client.closed).toBeNull()
  })

  test('while a renewal is being judged the client is not asked for another', async () => {
    const { server, asked } = createAsking({ limits: { handshakeTimeoutMs: null } })
    const client = await server.connect('first')
    asked[0]?.accept({ ...ann, expiresAt: server.clock.now() + MINUTE })
    await client.take()
    client.send({ type: 'auth', payload: { token: 'second' } })
    await server.clock.advance(50_000)
    expect(await client.take()).toEqual([])
  })

  test('refreshLeadMs: 0 asks nobody; the session ends all the same', async () => {
    const server = createLasting({ refreshLeadMs: 0 })
    const client = await server.connect(`ann@red@${MINUTE}`)
    await server.clock.advance(MINUTE)
    expect(typesOf(client.received)).toEqual(['connected'])
    expect(client.closed).toEqual({ code: 4401, reason: 'token_expired' })
  })

  test('a session without an end that follows one with an end is not ended by it', async () => {
    const server = createLasting()
    const client = await server.connect('ann@red@10000')
    await renew(client, 'ann@red')
    await server.clock.advance(MINUTE)
    expect(client.closed).toBeNull()
  })

  test('two thousand sessions of one second are not asked in one moment, and take one timer', async () => {
    let seed = 0
    const server = createLasting({
      limits: { maxConnectionsPerUser: null },
      random: () => (seed++ % 100) / 100,
    })
    const clients: TestClient[] = []
    for (let index = 0; index < 2_000; index++) clients.push(await server.connect('ann@red@600000'))
    // One for heartbeats, one for sessions.
    expect(server.clock.pendingTimers).toBe(2)
    const askedBySecond: number[] = []
    await server.clock.advance(530_000)
    for (let second = 0; second < 50; second++) {
      const before = clients.reduce((sum, { received }) => sum + received.length, 0)
      await server.clock.advance(1_000)
      askedBySecond.push(clients.reduce((sum, { received }) => sum + received.length, 0) - before)
    }
    expect(askedBySecond.filter((count) => count > 0).length).toBeGreaterThan(25)
    expect(Math.max(...askedBySecond)).toBeLessThan(160)
  }, 30_000)

  test.each([
    [{ id: 'ann', team: 'red', expiresAt: Number.NaN }],
    [{ id: 'ann', team: 'red', expiresAt: Number.POSITIVE_INFINITY }],
    [{ id: 'ann', team: 'red', expiresAt: '2999-01-01' }],
    [{ id: 'ann', team: 'red', expiresAt: null }],
    [{ id: '', team: 'red' }],
    [{ team: 'red' }],
    [true],
  ])('what is no principal is a fault of the server, not a session without an end: %j', async (answer) => {
    for (const authenticate of [() => answer as never, () => Promise.resolve(answer as never)]) {
      const server = createTestServer({ authenticate })
      expect((await server.connect('t')).closed).toEqual({ code: 4500, reason: 'internal' })
      expect(server.logged.filter(({ level }) => level === 'error')).toHaveLength(1)
    }
  })
})

describe('who a token is refused to', () => {
  test.each(['unauthorized', 'token_expired', 'token_revoked'] as const)(
    '%s is the reason of the close, and what authenticate said stays here',
    async (code) => {
      const refuse = () => {
        throw new DnrError(code, 'the token s3cret is bad')
      }
      for (const authenticate of [refuse, () => Promise.resolve().then(refuse)]) {
        const server = createTestServer({ authenticate })
        const client = await server.connect('s3cret')
        expect(client.closed).toEqual({ code: 4401, reason: code })
        expect(JSON.stringify([server.logged, client.received])).not.toContain('s3cret')
      }
    },
  )

  test('undefined is nobody, as null is', async () => {
    const server = createTestServer({ authenticate: () => undefined as never })
    expect((await server.connect('t')).closed).toEqual({ code: 4401, reason: 'unauthorized' })
  })
})

describe('guests', () => {
  test('may stay as long as they like', async () => {
    const server = createTestServer()
    const guest = await server.connect(null)
    await server.clock.advance(24 * 60 * MINUTE)
    expect(guest.closed).toBeNull()
  })

  test('where nobody may stay one, who has not signed in within handshakeTimeoutMs is closed', async () => {
    const server = createTestServer({ guests: false, limits: { handshakeTimeoutMs: 3_000 } })
    const guest = await server.connect(null)
    expect(typesOf(guest.received)).toEqual(['connected'])
    await server.clock.advance(2_000)
    await guest.ask({ type: 'ping' })
    await server.clock.advance(999)
    expect(guest.closed).toBeNull()
    await server.clock.advance(1)
    expect(guest.closed).toEqual({ code: 4401, reason: 'unauthorized' })
    expect(await timersLeft(server)).toBe(0)
  })

  test('a first auth in time makes the limit go away', async () => {
    const server = createTestServer({ guests: false, limits: { handshakeTimeoutMs: 3_000 } })
    const client = await server.connect(null)
    await server.clock.advance(2_999)
    expect(typesOf(await renew(client, 'ann@red'))).toEqual(['authenticated'])
    await server.clock.advance(MINUTE)
    expect(client.closed).toBeNull()
  })

  test('an authenticate that takes longer than the rest of the time comes too late', async () => {
    const { server, asked } = createAsking({ guests: false, limits: { handshakeTimeoutMs: 3_000 } })
    const client = await server.connect(null)
    await server.clock.advance(2_000)
    client.send({ type: 'auth', payload: { token: 't' } })
    await server.clock.advance(1_000)
    expect(client.closed).toEqual({ code: 4401, reason: 'unauthorized' })
    asked[0]?.accept(ann)
    await drainMicrotasks()
    expect(server.connections.userCount).toBe(0)
  })
})

describe('an answer that comes too late takes no effect', () => {
  test('after the socket closed', async () => {
    const { server, asked } = createAsking()
    const client = await server.connect('t')
    client.socket.close()
    await drainMicrotasks()
    asked[0]?.accept(ann)
    await drainMicrotasks()
    expect(server.connections).toMatchObject({ connectionCount: 0, userCount: 0 })
    expect(client.received).toEqual([])
    expect(await timersLeft(server)).toBe(0)
  })

  test('after disconnect', async () => {
    const { server, asked } = createAsking()
    const client = await server.connect('t')
    server.connections.disconnect(client.id, 4403, 'forbidden')
    asked[0]?.accept(ann)
    await drainMicrotasks()
    expect(client.closed).toEqual({ code: 4403, reason: 'forbidden' })
    expect(client.received).toEqual([])
    expect(server.connections.userCount).toBe(0)
  })

  test('a rejection after the socket closed is nobody’s, and no unhandled one', async () => {
    const { server, asked } = createAsking()
    const client = await server.connect('t')
    client.socket.close()
    await drainMicrotasks()
    asked[0]?.refuse(new Error('late'))
    await drainMicrotasks()
    expect(server.connections.connectionCount).toBe(0)
  })

  test('a second auth is judged after the first, and neither overtakes the other', async () => {
    const { server, asked } = createAsking()
    const client = await server.connect('one')
    asked[0]?.accept({ ...ann, expiresAt: server.clock.now() + MINUTE })
    await client.take()
    client.send({ type: 'auth', payload: { token: 'two' }, requestId: '2' })
    client.send({ type: 'auth', payload: { token: 'three' }, requestId: '3' })
    await drainMicrotasks()
    expect(asked.map(({ token }) => token)).toEqual(['one', 'two'])
    asked[1]?.accept({ ...ann, expiresAt: server.clock.now() + 2 * MINUTE })
    await drainMicrotasks()
    expect(asked.map(({ token }) => token)).toEqual(['one', 'two', 'three'])
    asked[2]?.accept({ ...ann, expiresAt: server.clock.now() + 3 * MINUTE })
    const answers = await client.take()
    expect(
      answers.map(({ requestId, payload }) => [requestId, payload.expiresAt - server.clock.now()]),
    ).toEqual([
      ['2', 2 * MINUTE],
      ['3', 3 * MINUTE],
    ])
  })

  test('a message to a room, whose author was sent away while the rule thought about it', async () => {
    const rules: ((isAllowed: boolean) => void)[] = []
    const server = createTestServer({
      policies: policies(
        allowChannel('room', (user) =>
          user.id === 'bob' ? true : new Promise((resolve) => rules.push(resolve)),
        ),
      ),
    })
    const [author, listener] = [await server.connect('ann@red'), await server.connect('bob@red')]
    await listener.ask({ type: 'subscribe', channel: 'room:r' })
    await author.ask({ type: 'message', channel: 'room:r', payload: 'late' })
    server.connections.disconnectUser('ann')
    rules[0]?.(true)
    expect(typesOf(await listener.take())).toEqual([])
  })
})

describe('disconnectUser', () => {
  test('closes all connections of the user with token_revoked, at once, and nobody else’s', async () => {
    const server = createTestServer()
    const own = [await server.connect('ann@red'), await server.connect('ann@red')]
    const other = await server.connect('bob@red')
    for (const client of [...own, other]) await client.ask({ type: 'subscribe', channel: 'entity:Task' })
    expect(server.connections.disconnectUser('ann')).toBe(2)
    // Not even what is committed in the same tick.
    server.memory.write([{ id: 't1', row: task('red') }])
    for (const client of own) {
      expect(await client.take()).toEqual([])
      expect(client.closed).toEqual({ code: 4401, reason: 'token_revoked' })
    }
    expect(typesOf(await other.take())).toEqual(['entity:created'])
    expect(server.connections.disconnectUser('ann')).toBe(0)
    expect(server.connections.disconnectUser('nobody')).toBe(0)
  })

  test('with a code and a reason of the caller’s', async () => {
    const server = createTestServer()
    const client = await server.connect('ann@red')
    server.connections.disconnectUser('ann', { code: 4403, reason: 'banned' })
    await drainMicrotasks()
    expect(client.closed).toEqual({ code: 4403, reason: 'banned' })
    const next = await server.connect('ann@red')
    server.connections.disconnectUser('ann', { code: 1000 })
    await drainMicrotasks()
    expect(next.closed).toEqual({ code: 1000, reason: '' })
  })

  test.each<[how: { code?: number; reason?: string }, part: string]>([
    [{ code: 1006 }, '1006'],
    [{ code: 200 }, '200'],
    [{ code: 4401.5 }, '4401.5'],
    [{ reason: 'x'.repeat(124) }, '124 bytes'],
  ])('what no WebSocket can be closed with is refused before anybody is closed: %j', async (how, part) => {
    const server = createTestServer()
    const client = await server.connect('ann@red')
    expect(() => server.connections.disconnectUser('ann', how)).toThrow(part)
    expect(() => server.connections.disconnect(client.id, how.code ?? 4401, how.reason)).toThrow(DnrError)
    await drainMicrotasks()
    expect(client.closed).toBeNull()
  })

  test('authentications under way that turn out to be the user’s take no effect, others’ do', async () => {
    const { server, asked } = createAsking()
    const early = await server.connect('early')
    const guest = await server.connect(null)
    guest.send({ type: 'auth', payload: { token: 'first message' } })
    const other = await server.connect('other')
    await drainMicrotasks()
    expect(asked).toHaveLength(3)
    server.connections.disconnectUser('ann')
    asked.forEach(({ token, accept }) => accept(token === 'other' ? { id: 'bob', team: 'red' } : ann))
    await drainMicrotasks()
    expect(early.closed).toEqual({ code: 4401, reason: 'token_revoked' })
    expect(guest.closed).toEqual({ code: 4401, reason: 'token_revoked' })
    expect(typesOf(other.received)).toEqual(['connected'])
    expect(typesOf([...early.received, ...guest.received])).toEqual(['connected'])
  })

  test.each([0, 1, 2, 3, 4, 5, 6])(
    'an authentication that was answered %i microtasks before takes no effect either',
    async (ticks) => {
      const { server, asked } = createAsking()
      const client = await server.connect('t')
      asked[0]?.accept(ann)
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve()
      server.connections.disconnectUser('ann')
      await drainMicrotasks()
      expect(client.closed).toEqual({ code: 4401, reason: 'token_revoked' })
    },
  )

  test('nothing is kept of an authentication that never answers once its connection has ended', async () => {
    const { server, asked } = createAsking({ limits: { handshakeTimeoutMs: 3_000 } })
    const client = await server.connect('t')
    const [renewing, leaving] = [await server.connect('t'), await server.connect('t')]
    asked[1]?.accept(ann)
    await renewing.take()
    renewing.send({ type: 'auth', payload: { token: 'new' } })
    await drainMicrotasks()
    expect(server.watches).toBe(3)
    leaving.pair.cut()
    await server.clock.advance(3_000)
    expect([client.closed, renewing.closed].map((closed) => closed?.reason)).toEqual(['timeout', 'timeout'])
    expect(server.watches).toBe(0)
  })

  test('an authentication that begins afterwards is the application’s to refuse', async () => {
    const server = createTestServer()
    server.connections.disconnectUser('ann')
    expect((await server.connect('ann@red')).closed).toBeNull()
  })

  test('a renewal under way does not save the connection', async () => {
    const { server, asked } = createAsking()
    const client = await server.connect('t')
    asked[0]?.accept(ann)
    await client.take()
    client.send({ type: 'auth', payload: { token: 'new' } })
    await drainMicrotasks()
    expect(server.connections.disconnectUser('ann')).toBe(1)
    asked[1]?.accept(ann)
    expect(await client.take()).toEqual([])
    expect(client.closed).toEqual({ code: 4401, reason: 'token_revoked' })
  })
})

describe('a renewal with other rights', () => {
  test('another user’s token closes with 4403', async () => {
    const server = createTestServer()
    const client = await server.connect('ann@red')
    await renew(client, 'bob@red')
    expect(client.closed).toEqual({ code: 4403, reason: 'forbidden' })
    expect(typesOf(client.received)).toEqual(['connected'])
  })

  test('what was said behind the new token is said with the rights of today', async () => {
    const { server, asked } = createAsking({
      policies: policies(allowChannel('room', (user, room) => user['team'] === room)),
    })
    const [client, bob] = [await server.connect('ann'), await server.connect('bob')]
    asked[0]?.accept(ann)
    asked[1]?.accept({ id: 'bob', team: 'red' })
    for (const each of [client, bob]) await each.ask({ type: 'subscribe', channel: 'room:red' })
    client.send({ type: 'auth', payload: { token: 'new' } })
    client.send({ type: 'message', channel: 'room:red', payload: 'hi', requestId: 'm' })
    await drainMicrotasks()
    await bob.take()
    asked[2]?.accept({ ...ann, team: 'blue' })
    expect((await client.take()).at(-1)).toMatchObject({ requestId: 'm', payload: { code: 'forbidden' } })
    expect(await bob.take()).toEqual([])
  })

  test('the same rights: nothing is asked or sent again', async () => {
    const server = createTestServer()
    const client = await server.connect('ann@red')
    await client.ask({ type: 'subscribe', channel: 'entity:Task', payload: { snapshot: true } })
    expect(typesOf(await renew(client, 'ann@red'))).toEqual(['authenticated'])
  })

  test('another team: its rows come and the old ones go, and events are the new team’s', async () => {
    const server = createTestServer()
    server.memory.write([
      { id: 'r1', row: task('red') },
      { id: 'b1', row: task('blue') },
    ])
    const client = await server.connect('ann@red')
    await client.ask({
      type: 'subscribe',
      channel: 'entity:Task',
      payload: { snapshot: true },
      requestId: 's',
    })
    const answers = await renew(client, 'ann@blue')
    expect(typesOf(answers)).toEqual(['authenticated', 'entity:deleted left', 'entity:created entered'])
    expect(answers.slice(1).map(({ payload }) => payload.id)).toEqual(['r1', 'b1'])
    server.memory.write([
      { id: 'r2', row: task('red') },
      { id: 'b2', row: task('blue') },
    ])
    expect((await client.take()).map(({ payload }) => payload.id)).toEqual(['b2'])
  })

  test('what may no longer be heard ends with forbidden, rows, people and rooms alike', async () => {
    const left: string[] = []
    const server = createTestServer({
      policies: policies(
        allowChannel('room', (user: User) => user.team === 'red'),
        allowChannel('presence', (user: User, resource) => resource === user.team),
      ),
      plugins: [
        {
          name: 'watch',
          channelKinds: ['presence'],
          messageTypes: [],
          start: () => ({
            message() {},
            subscribed() {},
            unsubscribed: (_, channel) => void left.push(channel),
            disconnected() {},
            stop() {},
          }),
        },
      ],
    })
    const client = await server.connect('ann@red')
    for (const channel of ['room:r', 'presence:red', 'user:ann'])
      await client.ask({ type: 'subscribe', channel })
    const answers = await renew(client, 'ann@blue')
    expect(typesOf(answers)).toEqual(['authenticated', 'error', 'error'])
    expect(answers.slice(1).map(({ channel, payload }) => [channel, payload.code])).toEqual([
      ['room:r', 'forbidden'],
      ['presence:red', 'forbidden'],
    ])
    expect(left).toEqual(['presence:red'])
    expect(server.connections.broadcast('room:r', { type: 'message' })).toBe(0)
    expect(server.connections.connections.get(client.id)?.channels).toEqual(['user:ann'])
  })

  test('a subscribe that is being judged is judged by the new rights, and answered once', async () => {
    const answers: (() => void)[] = []
    const server = createTestServer({
      policies: policies(
        allowChannel(
          'room',
          (user: User) => new Promise((resolve) => answers.push(() => resolve(user.team === 'red'))),
        ),
      ),
    })
    const client = await server.connect('ann@red')
    await client.ask({ type: 'subscribe', channel: 'room:r', requestId: 's' })
    await renew(client, 'ann@blue')
    answers[0]?.()
    await drainMicrotasks()
    answers[1]?.()
    expect(
      (await client.take()).map(({ type, requestId, payload }) => [type, requestId, payload.code]),
    ).toEqual([['error', 's', 'forbidden']])
    expect(server.channels.subscriptionCount).toBe(0)
  })

  test('rows that are still being read are not read on by the old rights, and the question has its answer', async () => {
    const server = createTestServer()
    server.memory.write([
      { id: 'r1', row: task('red') },
      { id: 'b1', row: task('blue') },
    ])
    const client = await server.connect('ann@red')
    await client.take()
    client.send({ type: 'subscribe', channel: 'entity:Task', payload: { snapshot: true }, requestId: 's' })
    client.send({ type: 'auth', payload: { token: 'ann@blue' } })
    const received = await client.take()
    const shown = received.flatMap(({ payload }) => payload?.snapshot?.rows ?? [])
    expect(shown.map(({ id }: { id: string }) => id)).toEqual(['b1'])
    expect(received.filter(({ requestId }) => requestId === 's').map(({ type }) => type)).toEqual([
      'subscribed',
    ])
  })

  test('a snapshot of which parts were sent already goes on by the new rights, and ends with the difference', async () => {
    const memory = createMemoryStore({ chunkRows: 1 })
    const server = createTestServer({ memory })
    memory.write(['r1', 'r2', 'r3'].map((id) => ({ id, row: task('red') })))
    memory.write([{ id: 'b1', row: task('blue') }])
    const client = await server.connect('ann@red')
    await client.take()
    const parts: (() => void)[] = []
    memory.gate = (what) => (what === 'chunk' ? new Promise((resolve) => parts.push(resolve)) : undefined)
    client.send({ type: 'subscribe', channel: 'entity:Task', payload: { snapshot: true }, requestId: 's' })
    expect((await client.take()).map(({ type, requestId }) => [type, requestId])).toEqual([
      ['subscribed', 's'],
    ])
    client.send({ type: 'auth', payload: { token: 'ann@blue' } })
    await drainMicrotasks()
    memory.gate = null
    parts.forEach((open) => open())
    const received = await client.take()
    expect(typesOf(received)).toEqual([
      'authenticated',
      'snapshot',
      'snapshot',
      'snapshot',
      'entity:created entered',
      'snapshot',
    ])
    expect(received.flatMap(({ payload }) => payload.rows ?? [])).toEqual([])
    expect(received.at(-2)?.payload.id).toBe('b1')
    const sent = received.filter(({ type }) => type === 'snapshot')
    expect(sent.map(({ payload }) => payload.more)).toEqual([true, true, true, false])
    expect(received.filter(({ requestId }) => requestId !== undefined)).toEqual([])
  })

  test('while the rule thinks about the new rights, nothing is sent by the old ones', async () => {
    const answers: (() => void)[] = []
    const server = createTestServer({
      policies: policies(
        allow(Task, (user: User | null) => {
          const rule = { key: user?.team ?? '', sees: (row: { team: string }) => row.team === user?.team }
          return user?.team === 'red' ? rule : new Promise((resolve) => answers.push(() => resolve(rule)))
        }),
      ),
    })
    const client = await server.connect('ann@red')
    await client.ask({ type: 'subscribe', channel: 'entity:Task' })
    await renew(client, 'ann@blue')
    server.memory.write([{ id: 'r1', row: task('red') }])
    server.memory.write([{ id: 'b1', row: task('blue') }])
    expect(await client.take()).toEqual([])
    answers[0]?.()
    // As what has come into sight, and as what was written since; the version tells that it is the same.
    expect((await client.take()).map(({ payload }) => [payload.id, payload.version])).toEqual([
      ['b1', 1],
      ['b1', 1],
    ])
  })

  test('who has asked for something else under the same key meanwhile gets that, by the new rights', async () => {
    const answers: (() => void)[] = []
    let isSlow = false
    const server = createTestServer({
      policies: policies(
        allow(Task, (user: User | null) => {
          const rule = { key: user?.team ?? '', sees: (row: { team: string }) => row.team === user?.team }
          return isSlow ? new Promise((resolve) => answers.push(() => resolve(rule))) : rule
        }),
      ),
    })
    server.memory.write([
      { id: 'b1', row: task('blue', 'x') },
      { id: 'b2', row: task('blue', 'y') },
      { id: 'r2', row: task('red', 'y') },
    ])
    const client = await server.connect('ann@red')
    await client.ask({ type: 'subscribe', channel: 'entity:Task' })
    isSlow = true
    const query = { where: { title: 'y' } }
    await client.ask({
      type: 'subscribe',
      channel: 'entity:Task',
      payload: { snapshot: true, query },
      requestId: 'q',
    })
    await renew(client, 'ann@blue')
    for (let index = 0; index < 4; index++) {
      answers[index]?.()
      await drainMicrotasks()
    }
    const [subscribed, ...rest] = await client.take()
    expect(rest).toEqual([])
    expect(subscribed).toMatchObject({ requestId: 'q', payload: { snapshot: { rows: [{ id: 'b2' }] } } })
    expect(server.channels.subscriptionCount).toBe(1)
  })

  test('a Set among the rights is not taken for equal to another', async () => {
    let roles = new Set(['reader'])
    let asked = 0
    const server = createTestServer({
      authenticate: () => ({ id: 'ann', team: 'red', roles }) as User,
      policies: policies(allow(Task, () => (++asked, true))),
    })
    const client = await server.connect('t')
    await client.ask({ type: 'subscribe', channel: 'entity:Task' })
    roles = new Set()
    await renew(client, 't')
    expect(asked).toBe(2)
  })
})
