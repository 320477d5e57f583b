// A session from the browser's side: renewed in band, lost and found again, or somebody must sign in.
import { DnrError } from '@dnr/protocol'
import { expect, test } from 'vitest'
import type { FakeServer } from '../fake-server.ts'
import { settle, setUp } from '../setup.ts'

const askFor = (server: FakeServer) => server.peer.say({ type: 'auth', payload: { expiresAt: 1 } })
const tokensSent = (server: FakeServer) => server.heard('auth').map(({ payload }) => payload?.['token'])

/** A `getToken` that the test answers. */
function createSource() {
  const calls: { give(token: string | null): void; fail(error: unknown): void }[] = []
  const getToken = () => new Promise<string | null>((give, fail) => calls.push({ give, fail }))
  return { calls, getToken }
}

test('renews the session on the open connection when the server asks, and subscribes to nothing again', async () => {
  let calls = 0
  await using t = await setUp({ getToken: async () => `t${++calls}` })
  const tasks = t.client.collection('Task')
  await settle()
  const states: string[] = []
  const undo = t.client.state.subscribe(({ status }) => states.push(status))
  askFor(t.server)
  await settle()
  expect(tokensSent(t.server)).toEqual(['t2'])
  t.server.peer.say({ type: 'authenticated', payload: { userId: 'alice', expiresAt: 2 } })
  await t.clock.advance(60_000)
  expect(states).toEqual(['ready'])
  expect(t.server.peers).toHaveLength(1)
  expect(t.server.heard('subscribe')).toHaveLength(1)
  expect(tasks.status.value).toBe('live')
  undo()
})

test('getToken is called once however often the server asks', async () => {
  const { calls, getToken } = createSource()
  await using t = await setUp({ getToken })
  calls[0]?.give('first')
  await settle()
  askFor(t.server)
  askFor(t.server)
  await settle()
  expect(calls).toHaveLength(2)
  calls[1]?.give('second')
  await settle()
  expect(tokensSent(t.server)).toEqual(['second'])
  askFor(t.server)
  await settle()
  expect(calls).toHaveLength(3)
})

test('a getToken that hangs is given up after connectTimeoutMs, so that the next question is heard', async () => {
  const { calls, getToken } = createSource()
  await using t = await setUp({ getToken, connectTimeoutMs: 4_000 })
  calls[0]?.give('first')
  await settle()
  askFor(t.server)
  await t.clock.advance(3_999)
  askFor(t.server)
  await settle()
  expect(calls).toHaveLength(2)
  await t.clock.advance(1)
  askFor(t.server)
  await settle()
  expect(calls).toHaveLength(3)
  calls[2]?.give('third')
  await settle()
  expect(tokensSent(t.server)).toEqual(['third'])
  expect(t.client.state.value.status).toBe('ready')
})

test('a token that was given up does not replace the newer one, whether it comes before or after it', async () => {
  const { calls, getToken } = createSource()
  await using t = await setUp({ getToken, connectTimeoutMs: 4_000, heartbeatIntervalMs: Infinity })
  calls[0]?.give('first')
  await settle()
  for (let n = 0; n < 3; n++) {
    askFor(t.server)
    await t.clock.advance(4_000)
  }
  askFor(t.server)
  await settle()
  calls[1]?.give('given up')
  calls[2]?.fail(new Error('given up'))
  await settle()
  // Neither ends the wait for the newest.
  askFor(t.server)
  await settle()
  expect(calls).toHaveLength(5)
  calls[4]?.give('newest')
  await settle()
  calls[3]?.give('given up as well')
  await settle()
  expect(tokensSent(t.server)).toEqual(['newest'])
})

test('a token that comes late is sent when no newer one was asked for', async () => {
  const { calls, getToken } = createSource()
  await using t = await setUp({ getToken, connectTimeoutMs: 4_000 })
  calls[0]?.give('first')
  await settle()
  askFor(t.server)
  await t.clock.advance(5_000)
  calls[1]?.give('late')
  await settle()
  expect(tokensSent(t.server)).toEqual(['late'])
})

test('a getToken that fails is asked again when the server asks again, and the connection stays', async () => {
  const { calls, getToken } = createSource()
  await using t = await setUp({ getToken })
  calls[0]?.give('first')
  await settle()
  for (const error of [new Error('offline'), new DnrError('unauthorized', 'signed out')]) {
    askFor(t.server)
    await settle()
    calls.at(-1)?.fail(error)
    await settle()
  }
  askFor(t.server)
  await settle()
  calls.at(-1)?.give('fourth')
  await settle()
  expect(tokensSent(t.server)).toEqual(['fourth'])
  expect(t.client.state.value.status).toBe('ready')
})

test('a getToken that throws at once, and one that has no token, disturb nobody', async () => {
  const answers: (() => string | null)[] = [
    () => 'first',
    () => {
      throw new Error('boom')
    },
    () => null,
  ]
  await using t = await setUp({ getToken: () => answers.shift()?.() ?? null })
  askFor(t.server)
  await settle()
  askFor(t.server)
  await settle()
  expect(tokensSent(t.server)).toEqual([])
  expect(t.client.state.value.status).toBe('ready')
  expect(t.errors).toEqual([])
})

test('(I127) a token that was asked for by a connection that died is not sent on the next', async () => {
  const { calls, getToken } = createSource()
  await using t = await setUp({ getToken })
  calls[0]?.give('first')
  await settle()
  askFor(t.server)
  await settle()
  t.server.peer.pair.cut()
  await t.clock.advance(1_000)
  expect(calls).toHaveLength(3)
  calls[1]?.give('late')
  await settle()
  expect(t.server.peers).toHaveLength(1)
  calls[2]?.give('fresh')
  await settle()
  expect(t.server.peer.protocols).toEqual(['dnr.v1', 'bearer.fresh'])
  expect(tokensSent(t.server)).toEqual([])
  // The new connection is asked on its own account.
  askFor(t.server)
  await settle()
  expect(calls).toHaveLength(4)
})

test('a client without getToken does not answer the question', async () => {
  await using t = await setUp()
  askFor(t.server)
  await settle()
  expect(tokensSent(t.server)).toEqual([])
  expect(t.client.state.value.status).toBe('ready')
})

test('close while a token is being asked for leaves no timer, and its answer is dropped', async () => {
  const { calls, getToken } = createSource()
  await using t = await setUp({ getToken })
  calls[0]?.give('first')
  await settle()
  askFor(t.server)
  await settle()
  t.client.close()
  calls[1]?.give('late')
  await settle()
  expect(t.clock.pendingTimers).toBe(0)
  expect(tokensSent(t.server)).toEqual([])
})

test('(I121) an expired session without a new token needs the user, who is no guest', async () => {
  const answers = ['first', null, 'again']
  await using t = await setUp({ getToken: async () => answers.shift() ?? null })
  await t.clock.advance(60_000)
  t.server.peer.pair.server.close(4401, 'token_expired')
  await t.clock.advance(600_000)
  expect(t.client.state.value).toMatchObject({ status: 'needs-auth', cause: { code: 'needs_auth' } })
  expect(t.server.peers).toHaveLength(1)
  t.client.connect()
  await settle()
  expect(t.client.state.value.status).toBe('ready')
  expect(t.server.peer.protocols).toEqual(['dnr.v1', 'bearer.again'])
})

test('(I121) an expired session whose token cannot be had because of the network is tried again, and needs nobody', async () => {
  let isDown = false
  await using t = await setUp({
    getToken: async () => {
      if (isDown) throw new Error('no network')
      return 'ok'
    },
  })
  isDown = true
  await t.clock.advance(60_000)
  t.server.peer.pair.server.close(4401, 'token_expired')
  for (let minute = 0; minute < 20; minute++) {
    await t.clock.advance(60_000)
    expect(t.client.state.value.status).toMatch(/^(waiting|connecting)$/)
  }
  expect(t.client.state.value).toMatchObject({
    cause: { code: 'disconnected', cause: new Error('no network') },
  })
  isDown = false
  await t.clock.advance(30_000)
  expect(t.client.state.value.status).toBe('ready')
})

test('a revoked session is not tried again: somebody must sign in, and the state says why', async () => {
  let calls = 0
  await using t = await setUp({ getToken: async () => `t${++calls}` })
  const tasks = t.client.collection('Task')
  await t.clock.advance(60_000)
  t.server.peer.pair.server.close(4401, 'token_revoked')
  t.page.tell({ type: 'wake' })
  await t.clock.advance(600_000)
  t.client.retryNow()
  await settle()
  expect(t.client.state.value).toMatchObject({
    status: 'needs-auth',
    cause: { code: 'token_revoked', retryable: false },
  })
  expect([calls, t.server.peers.length]).toEqual([1, 1])
  expect(tasks.status.value).toBe('stale')
  t.client.connect()
  await settle()
  expect(t.server.peer.protocols).toEqual(['dnr.v1', 'bearer.t2'])
  expect([t.client.state.value.status, tasks.status.value]).toEqual(['ready', 'live'])
})

test('other rights: rows that come unasked take the place of those there were, as a difference', async () => {
  await using t = await setUp()
  t.server.commit([
    { id: 'a', fields: { team: 'red' } },
    { id: 'b', fields: { team: 'blue' } },
    { id: 'c', fields: { team: 'red' } },
  ])
  const tasks = t.client.collection('Task')
  await settle()
  const [kept] = [tasks.byId('a')]
  const subscription = t.server.heard('subscribe')[0]?.payload?.subscription
  const address = { channel: 'entity:Task', ...(subscription !== undefined && { subscription }) }
  const [a, b] = [t.server.rows.get('a'), t.server.rows.get('b')]
  t.server.peer.say({
    type: 'subscribed',
    ...address,
    payload: { position: t.server.position(), recovered: false, snapshot: { rows: [a], more: true } },
  })
  await settle()
  expect(tasks.rows.value).toHaveLength(3)
  t.server.peer.say({ type: 'snapshot', ...address, payload: { rows: [b], more: false } })
  await settle()
  expect(tasks.rows.value.map(({ id }) => id)).toEqual(['a', 'b'])
  expect(tasks.byId('a')).toBe(kept)
  expect(tasks.status.value).toBe('live')
  t.server.commit([{ id: 'd', fields: { team: 'red' } }])
  await settle()
  expect(tasks.rows.value.map(({ id }) => id)).toEqual(['a', 'b', 'd'])
})

test('other rights: what may no longer be heard fails with its error', async () => {
  await using t = await setUp()
  const room = t.client.subscribe('room:r', {})
  await settle()
  const payload = { code: 'forbidden', message: 'No.' }
  t.server.peer.say({ type: 'error', channel: 'room:r', payload, ended: true })
  await settle()
  expect([room.status.value, room.error.value?.code]).toEqual(['failed', 'forbidden'])
  await expect(room.ready).resolves.toBeUndefined()
})

test('the late answer to a question that was withdrawn is nobody’s', async () => {
  await using t = await setUp({ before: (server) => server.held.add('subscribe') })
  const tasks = t.client.collection('Task')
  await settle()
  const [asked] = t.server.heard('subscribe')
  t.server.peer.say({
    type: 'error',
    channel: 'entity:Task',
    requestId: 'r0',
    ...(asked?.payload?.subscription !== undefined && { subscription: asked.payload.subscription }),
    payload: { code: 'forbidden', message: 'No.' },
  })
  await settle()
  expect(tasks.status.value).toBe('loading')
})
