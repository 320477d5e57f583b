import type { ServerMessage } from '@dnr/protocol'
import { expect, test } from 'vitest'
import { settle, setUp } from '../setup.ts'

const event = (id: string, offset: number) => ({
  type: 'entity:updated',
  channel: 'entity:Task',
  subscription: 'e',
  payload: { id, version: 1 },
  position: { epoch: 'e1', offset },
})

test('hears the events of a channel from the answer on', async () => {
  await using t = await setUp()
  const heard: string[] = []
  const subscription = t.client.subscribe('entity:Task', { event: ({ payload }) => heard.push(payload.id) })
  await subscription.ready
  t.server.commit([{ id: 'a', fields: {} }])
  await settle()
  expect(heard).toEqual(['a'])
  expect(subscription.status.value).toBe('live')
})

test('(I113) subscribe, unsubscribe, subscribe while the first answer is under way: subscribed, the stale answer is ignored', async () => {
  await using t = await setUp({ lingerMs: 0 })
  t.server.held.add('subscribe')
  const heard: unknown[] = []
  t.client.subscribe('entity:Task', { event: () => heard.push('first') }).unsubscribe()
  await t.clock.advance(0)
  const second = t.client.subscribe('entity:Task', { event: ({ payload }) => heard.push(payload.id) })
  await settle()
  const [one, two] = t.server.heard('subscribe')
  expect(t.server.peer.heard.map(({ type }) => type)).toEqual(['subscribe', 'unsubscribe', 'subscribe'])
  if (one) t.server.answer(t.server.peer, { ...one })
  t.server.peer.say(event('early', 1))
  await settle()
  expect(second.status.value).toBe('loading')
  if (two) t.server.answer(t.server.peer, { ...two })
  t.server.peer.say(event('late', 2))
  await settle()
  expect(second.status.value).toBe('live')
  expect(heard).toEqual(['late'])
})

test('(I114) unsubscribing inside a handler ends the delivery, also of the same transaction', async () => {
  await using t = await setUp()
  const heard: string[] = []
  const subscription = t.client.subscribe('entity:Task', {
    event({ payload }) {
      heard.push(payload.id)
      subscription.unsubscribe()
    },
  })
  await subscription.ready
  t.server.commit([
    { id: 'a', fields: {} },
    { id: 'b', fields: {} },
  ])
  t.server.commit([{ id: 'c', fields: {} }])
  await settle()
  expect(heard).toEqual(['a'])
})

test('(I114) unsubscribing inside a handler also ends the replay after a reconnect', async () => {
  await using t = await setUp({ lingerMs: 10_000 })
  const heard: string[] = []
  const subscription = t.client.subscribe('entity:Task', {
    event({ payload }) {
      heard.push(payload.id)
      subscription.unsubscribe()
    },
  })
  await subscription.ready
  t.server.peer.pair.cut()
  await settle()
  t.server.commit([{ id: 'a', fields: {} }])
  t.server.commit([{ id: 'b', fields: {} }])
  await t.clock.advance(1_000)
  expect(heard).toEqual(['a'])
})

test('(G96) who subscribes again inside a handler does not hear that event again, and misses none after it', async () => {
  await using t = await setUp()
  const heard: string[] = []
  const again = () => {
    const own = t.client.subscribe('entity:Task', {
      event({ payload }) {
        heard.push(payload.id)
        own.unsubscribe()
        if (heard.length < 10) again()
      },
    })
    return own
  }
  await again().ready
  t.server.commit([
    { id: 'a', fields: {} },
    { id: 'b', fields: {} },
  ])
  t.server.commit([{ id: 'c', fields: {} }])
  await settle()
  expect(heard).toEqual(['a', 'b', 'c'])
})

test('(G96) who is unsubscribed inside another’s handler hears nothing more, not even of that event', async () => {
  await using t = await setUp()
  const heard: string[] = []
  t.client.subscribe('entity:Task', { event: () => second.unsubscribe() })
  const second = t.client.subscribe('entity:Task', { event: ({ payload }) => heard.push(payload.id) })
  await second.ready
  t.server.commit([{ id: 'a', fields: {} }])
  await settle()
  expect(heard).toEqual([])
})

test('(G96) who subscribes inside a status handler hears that status once', async () => {
  await using t = await setUp()
  const heard: string[] = []
  await t.client.subscribe('room:a', {
    status: () => t.client.subscribe('room:a', { status: (status) => heard.push(status) }),
  }).ready
  await settle()
  expect(heard).toEqual(['live'])
})

test('(I116) the wire subscription stays until the last listener leaves', async () => {
  await using t = await setUp({ lingerMs: 500 })
  const one = t.client.subscribe('room:a', {})
  const two = t.client.subscribe('room:a', {})
  await settle()
  one.unsubscribe()
  one.unsubscribe()
  await t.clock.advance(1_000)
  expect(t.server.heard('unsubscribe')).toHaveLength(0)
  two.unsubscribe()
  await t.clock.advance(500)
  expect(t.server.heard('subscribe')).toHaveLength(1)
  expect(t.server.heard('unsubscribe')).toHaveLength(1)
})

test('(I116) who joins late hears at once how the subscription stands', async () => {
  await using t = await setUp()
  const heard: string[] = []
  await t.client.subscribe('room:a', { status: (status) => heard.push(`first ${status}`) }).ready
  const late = t.client.subscribe('room:a', { status: (status) => heard.push(`late ${status}`) })
  expect(heard).toEqual(['first live', 'late live'])
  await late.ready
  t.server.peer.pair.cut()
  await settle()
  expect(heard.slice(2)).toEqual(['first stale', 'late stale'])
})

test('(I117) mount, unmount, mount is one wire subscription', async () => {
  await using t = await setUp({ lingerMs: 0 })
  t.client.subscribe('room:a', {}).unsubscribe()
  const again = t.client.subscribe('room:a', {})
  await t.clock.advance(10)
  expect(t.server.heard('subscribe')).toHaveLength(1)
  expect(t.server.heard('unsubscribe')).toHaveLength(0)
  expect(again.status.value).toBe('live')
})

test('resubscribes every channel with its position after the socket drops', async () => {
  await using t = await setUp()
  const heard: string[] = []
  const tasks = t.client.subscribe('entity:Task', { event: ({ payload }) => heard.push(payload.id) })
  t.client.subscribe('room:a', {})
  await settle()
  const position = t.server.commit([{ id: 'a', fields: {} }])
  await settle()
  t.server.peer.pair.cut()
  await settle()
  expect(tasks.status.value).toBe('stale')
  t.server.commit([{ id: 'b', fields: {} }])
  await t.clock.advance(1_000)
  expect(tasks.status.value).toBe('live')
  expect(heard).toEqual(['a', 'b'])
  expect(t.server.peer.heard.map(({ channel, payload }) => [channel, payload?.position])).toEqual([
    ['entity:Task', position],
    ['room:a', undefined],
  ])
})

test('a position that no longer holds is told as a gap', async () => {
  await using t = await setUp()
  const gaps: unknown[] = []
  t.client.on('gap', (gap) => gaps.push(gap))
  await t.client.subscribe('entity:Task', {}).ready
  const from = t.server.position()
  t.server.peer.pair.cut()
  t.server.commit([{ id: 'a', fields: {} }])
  t.server.trim()
  await t.clock.advance(1_000)
  expect(gaps).toEqual([{ channel: 'entity:Task', from }])
})

test('messages of rooms, users and presence go to their listeners, one that throws disturbs nobody', async () => {
  await using t = await setUp()
  const heard: unknown[] = []
  t.client.subscribe('presence:board/red', {
    message() {
      throw new Error('boom')
    },
  })
  t.client.subscribe('presence:board/red', { message: (message: ServerMessage) => heard.push(message.type) })
  await settle()
  t.server.peer.say({ type: 'presence:sync', channel: 'presence:board/red', payload: { users: [] } })
  t.server.peer.say({
    type: 'error',
    channel: 'presence:board/red',
    payload: { code: 'not_joined', message: 'join first' },
  })
  await settle()
  expect(heard).toEqual(['presence:sync', 'error'])
  expect(t.errors).toHaveLength(2)
  expect(t.client.connected.value).toBe(true)
})

test('a presence:sync that answers a request reaches the channel’s listeners too', async () => {
  await using t = await setUp()
  const heard: unknown[] = []
  t.client.subscribe('presence:x', { message: (message) => heard.push(message.type) })
  const answer = t.client.request({ type: 'presence:join', channel: 'presence:x' })
  await settle()
  t.server.peer.say({
    type: 'presence:sync',
    channel: 'presence:x',
    requestId: t.server.heard('presence:join')[0]?.requestId,
    payload: { users: [] },
  })
  expect((await answer).type).toBe('presence:sync')
  expect(heard).toEqual(['presence:sync'])
})

test('a refused subscription fails with its reason, rejects ready, and is asked for again after a reconnect', async () => {
  await using t = await setUp()
  t.server.held.add('subscribe')
  const subscription = t.client.subscribe('room:secret', {})
  await settle()
  const [asked] = t.server.heard('subscribe')
  t.server.peer.say({
    type: 'error',
    channel: 'room:secret',
    requestId: asked?.requestId,
    payload: { code: 'forbidden', message: 'no' },
  })
  await expect(subscription.ready).rejects.toMatchObject({ code: 'forbidden' })
  expect(subscription.status.value).toBe('failed')
  t.server.held.clear()
  t.server.peer.pair.cut()
  await t.clock.advance(1_000)
  expect(subscription.status.value).toBe('live')
})

test.each(['busy', 'internal', 'storage_failed'])(
  'what is refused with %s is asked again after the time that the server named',
  async (code) => {
    await using t = await setUp()
    t.server.held.add('subscribe')
    const subscription = t.client.subscribe('room:a', {})
    await settle()
    const requestId = t.server.heard('subscribe')[0]?.requestId
    t.server.peer.say({
      type: 'error',
      channel: 'room:a',
      requestId,
      payload: { code, message: 'later', retryAfterMs: 5_000 },
    })
    t.server.held.clear()
    await t.clock.advance(4_999)
    expect(t.server.heard('subscribe')).toHaveLength(1)
    await t.clock.advance(1)
    expect(subscription.status.value).toBe('live')
  },
)

test('a subscription that waits to be asked for again leaves no timer when the client closes', async () => {
  await using t = await setUp()
  t.server.held.add('subscribe')
  t.client.subscribe('room:a', {})
  await settle()
  const requestId = t.server.heard('subscribe')[0]?.requestId
  const payload = { code: 'busy', message: 'later', retryAfterMs: 5_000 }
  t.server.peer.say({ type: 'error', channel: 'room:a', requestId, payload })
  await settle()
  t.client.close()
  expect(t.clock.pendingTimers).toBe(0)
})

test('a server that ends a subscription again and again gets slower answers, and in the end none', async () => {
  await using t = await setUp()
  const subscription = t.client.subscribe('entity:Task', {})
  const times: number[] = []
  await subscription.ready
  for (let round = 0; round < 20; round++) {
    const before = t.server.heard('subscribe').length
    t.server.peer.say({
      type: 'error',
      channel: 'entity:Task',
      subscription: 'e',
      payload: { code: 'busy', message: 'later' },
      ended: true,
    })
    for (let ms = 0; ms < 20_000 && t.server.heard('subscribe').length === before; ms += 500)
      await t.clock.advance(500)
    if (t.server.heard('subscribe').length === before) break
    times.push(t.clock.monotonic())
  }
  expect(times).toHaveLength(8)
  expect(subscription.status.value).toBe('failed')
})

test('a snapshot that is ended again and again is asked for with back-off, and in the end not any more', async () => {
  await using t = await setUp()
  t.server.held.add('subscribe')
  const tasks = t.client.collection('Task')
  const times: number[] = []
  for (let ms = 0; ms < 200_000; ms += 100) {
    await t.clock.advance(100)
    const asked = t.server.heard('subscribe')
    for (; times.length < asked.length; times.push(ms)) {
      const { requestId } = asked[times.length] ?? {}
      const snapshot = { rows: [], more: true }
      const payload = { recovered: false, position: { epoch: 'e1', offset: 0 }, snapshot }
      t.server.peer.say({ type: 'subscribed', channel: 'entity:Task', requestId, payload })
      t.server.peer.say({ type: 'unsubscribed', channel: 'entity:Task' })
    }
  }
  // The first question, one at once, and seven that wait for longer and longer.
  expect(times).toEqual([0, 100, 1_100, 3_100, 7_100, 15_100, 30_100, 45_100, 60_100])
  expect([tasks.status.value, tasks.error.value?.code]).toEqual(['failed', 'busy'])
  t.server.held.clear()
  t.server.peer.pair.cut()
  await t.clock.advance(1_000)
  expect(tasks.status.value).toBe('live')
})

test.each([
  ['one after the other', 1_000, 'failed'],
  ['with time between them', 11_000, 'live'],
] as const)('rows that have to begin anew, %s', async (_, heldMs, expected) => {
  await using t = await setUp()
  const tasks = t.client.collection('Task')
  await tasks.ready
  for (let round = 0; round < 12; round++) {
    t.server.peer.say({ type: 'unsubscribed', channel: 'entity:Task' })
    await settle()
    for (let ms = 0; ms < 20_000 && tasks.status.value !== 'live'; ms += 500) await t.clock.advance(500)
    // That rights are told of once more is no trouble, and no new beginning either.
    await t.clock.advance(heldMs - 500)
    const payload = { recovered: true, grant: 'g' }
    t.server.peer.say({ type: 'subscribed', channel: 'entity:Task', payload })
    await t.clock.advance(500)
  }
  expect(tasks.status.value).toBe(expected)
})

test('snapshots that the server begins anew by itself count like those that it ends', async () => {
  await using t = await setUp()
  const tasks = t.client.collection('Task')
  await tasks.ready
  const payload = {
    recovered: false,
    position: { epoch: 'e1', offset: 0 },
    snapshot: { rows: [], more: false },
  }
  for (let round = 0; round < 8; round++)
    t.server.peer.say({ type: 'subscribed', channel: 'entity:Task', payload })
  await settle()
  expect(tasks.status.value).toBe('live')
  t.server.peer.say({ type: 'unsubscribed', channel: 'entity:Task' })
  await settle()
  expect(tasks.status.value).toBe('failed')
})

test.each(['busy', 'forbidden', 'internal'])(
  'a message that is refused with %s is told to the channel’s listeners, and ends nothing',
  async (code) => {
    await using t = await setUp()
    const heard: unknown[] = []
    const room = t.client.subscribe('room:a', { message: (message) => heard.push(message.type) })
    await room.ready
    const asked = t.server.heard('subscribe').length
    t.server.peer.say({ type: 'error', channel: 'room:a', payload: { code, message: 'No.' } })
    await t.clock.advance(60_000)
    expect([heard, room.status.value]).toEqual([['error'], 'live'])
    expect(t.server.heard('subscribe')).toHaveLength(asked)
  },
)

test('a subscription that the server ended is asked for again with its position', async () => {
  await using t = await setUp()
  const heard: string[] = []
  await t.client.subscribe('entity:Task', { event: ({ payload }) => heard.push(payload.id) }).ready
  t.server.peer.subscriptions.clear()
  t.server.commit([{ id: 'missed', fields: {} }])
  t.server.peer.say({ type: 'unsubscribed', channel: 'entity:Task', subscription: 'e' })
  await settle()
  expect(heard).toEqual(['missed'])
})

test('what the server says by itself while a question is unanswered is about the subscription of before', async () => {
  await using t = await setUp({ lingerMs: 0 })
  const first = t.client.subscribe('entity:Task', { event() {} })
  await first.ready
  first.unsubscribe()
  await t.clock.advance(0)
  t.server.held.add('subscribe')
  const again = t.client.subscribe('entity:Task', { event() {} })
  await settle()
  const asked = t.server.heard('subscribe').length
  const unasked = { channel: 'entity:Task', subscription: 'e' }
  t.server.peer.say({
    ...unasked,
    type: 'subscribed',
    payload: { recovered: true, position: { epoch: 'e1', offset: 9 } },
  })
  t.server.peer.say({ ...unasked, type: 'unsubscribed' })
  const forbidden = { code: 'forbidden', message: 'No more.' }
  t.server.peer.say({ ...unasked, type: 'error', payload: forbidden, ended: true })
  await settle()
  expect(again.status.value).toBe('loading')
  expect(t.server.heard('subscribe')).toHaveLength(asked)
  const question = t.server.heard('subscribe').at(-1)
  if (question) t.server.answer(t.server.peer, { ...question })
  await again.ready
})

test('while a question waits to be asked again, what the server says by itself is not taken for its answer', async () => {
  await using t = await setUp()
  t.server.held.add('subscribe')
  t.server.commit([{ id: 'a', fields: {} }])
  const tasks = t.client.collection('Task')
  await settle()
  const [{ requestId, payload: asked } = {}] = t.server.heard('subscribe') as unknown as Record<
    string,
    never
  >[]
  const { subscription } = (asked ?? {}) as { subscription?: string }
  const late = { channel: 'entity:Task', subscription }
  const busy = { code: 'busy', message: 'later', retryAfterMs: 5_000 }
  t.server.peer.say({ ...late, type: 'error', requestId, payload: busy })
  const position = { epoch: 'e1', offset: 1 }
  t.server.peer.say({ ...late, type: 'subscribed', payload: { recovered: true, position } })
  await settle()
  expect([tasks.status.value, tasks.position]).toEqual(['loading', null])
  t.server.held.delete('subscribe')
  await t.clock.advance(6_000)
  expect(tasks.rows.value.map(({ id }) => id)).toEqual(['a'])
})

test('closing the client fails its subscriptions, later ones too, and nothing becomes an unhandled rejection', async () => {
  await using t = await setUp({ connect: false })
  const subscription = t.client.subscribe('room:a', {})
  t.client.close()
  await expect(subscription.ready).rejects.toMatchObject({ code: 'closed' })
  const late = t.client.collection('Task')
  await expect(late.ready).rejects.toMatchObject({ code: 'closed' })
  expect(late.status.value).toBe('failed')
})

test('a subscription for which there was no place is asked for again when another one ends', async () => {
  await using t = await setUp({ lingerMs: 0 })
  const first = t.client.subscribe('room:a', {})
  await first.ready
  t.server.held.add('subscribe')
  const tasks = t.client.collection('Task')
  await settle()
  const [{ requestId, channel } = { requestId: '', channel: '' }] = t.server.heard('subscribe').slice(-1)
  const payload = { code: 'too_many_subscriptions', message: 'At most 1 subscription.' }
  t.server.peer.say({ type: 'error', channel, requestId, payload })
  await settle()
  expect([tasks.status.value, tasks.error.value?.code]).toEqual(['failed', 'too_many_subscriptions'])
  t.server.held.delete('subscribe')
  first.unsubscribe()
  await t.clock.advance(0)
  expect(t.server.peer.heard.slice(-2).map(({ type }) => type)).toEqual(['unsubscribe', 'subscribe'])
  expect([tasks.status.value, tasks.error.value]).toEqual(['live', null])
})

test.each([
  ['is asked for again when the server ends another one for good', 'forbidden', 'live'],
  ['does not take the place of one that comes back', 'busy', 'failed'],
])('a subscription for which there was no place %s', async (_, code, expected) => {
  await using t = await setUp({ lingerMs: 0 })
  await t.client.subscribe('room:a', {}).ready
  t.server.held.add('subscribe')
  const tasks = t.client.collection('Task')
  await settle()
  const { requestId, channel } = t.server.heard('subscribe').at(-1) ?? {}
  const full = { code: 'too_many_subscriptions', message: 'At most 1 subscription.' }
  t.server.peer.say({ type: 'error', channel, requestId, payload: full })
  await settle()
  expect(tasks.status.value).toBe('failed')
  t.server.held.delete('subscribe')
  t.server.peer.say({ type: 'error', channel: 'room:a', payload: { code, message: 'No.' }, ended: true })
  await settle()
  expect(tasks.status.value).toBe(expected)
})

test('two that found no place do not go on asking for each other', async () => {
  await using t = await setUp({ lingerMs: 0 })
  const first = t.client.subscribe('room:a', {})
  await first.ready
  t.server.held.add('subscribe')
  const refuse = (): void => {
    for (const { requestId, channel } of t.server.heard('subscribe')) {
      const payload = { code: 'too_many_subscriptions', message: 'At most 1 subscription.' }
      if (channel !== 'room:a') t.server.peer.say({ type: 'error', channel, requestId, payload })
    }
  }
  const others = ['Task', 'Note'] as const
  const waiting = others.map((entity) => t.client.collection(entity))
  await settle()
  refuse()
  await settle()
  t.server.peer.say({
    type: 'error',
    channel: 'room:a',
    payload: { code: 'forbidden', message: 'No.' },
    ended: true,
  })
  for (let round = 0; round < 5; round++) {
    await settle()
    refuse()
  }
  expect(waiting.map(({ status }) => status.value)).toEqual(['failed', 'failed'])
  // The room, each of the others, and each once more.
  expect(t.server.heard('subscribe')).toHaveLength(5)
})

test('a subscription that was refused for good is not asked for again when another one ends', async () => {
  await using t = await setUp({ lingerMs: 0 })
  const first = t.client.subscribe('room:a', {})
  await first.ready
  t.server.held.add('subscribe')
  const tasks = t.client.collection('Task')
  await settle()
  const [{ requestId, channel } = { requestId: '', channel: '' }] = t.server.heard('subscribe').slice(-1)
  t.server.peer.say({ type: 'error', channel, requestId, payload: { code: 'forbidden', message: 'No.' } })
  await settle()
  first.unsubscribe()
  await t.clock.advance(0)
  expect(tasks.status.value).toBe('failed')
  expect(t.server.peer.heard.at(-1)?.type).toBe('unsubscribe')
})

const people = (type: string, ...ids: string[]) => ({
  type: `presence:${type}`,
  channel: 'presence:board',
  payload: { users: ids.map((id) => ({ id })) },
})

/** The ids that a listener who comes now hears of at once, or nothing. */
function idsForLatecomer(t: Awaited<ReturnType<typeof setUp>>): string[] {
  const heard: string[] = []
  t.client
    .subscribe('presence:board', {
      message: ({ type, payload }: ServerMessage & { payload?: unknown }) =>
        heard.push(`${type} ${(payload as { users: { id: string }[] }).users.map(({ id }) => id).join('')}`),
    })
    .unsubscribe()
  return heard
}

test('(I116) who joins late hears at once who is there, also when nobody has listened for a moment', async () => {
  await using t = await setUp()
  const first = t.client.subscribe('presence:board', {})
  await first.ready
  t.server.peer.say(people('join', 'x'))
  await settle()
  expect(idsForLatecomer(t)).toEqual([])
  t.server.peer.say(people('sync', 'a', 'b'))
  await settle()
  first.unsubscribe()
  t.server.peer.say(people('join', 'c'))
  t.server.peer.say(people('leave', 'a'))
  t.server.peer.say(people('update', 'b'))
  await settle()
  expect(idsForLatecomer(t)).toEqual(['presence:sync cb'])
  t.server.peer.pair.cut()
  await settle()
  expect(idsForLatecomer(t)).toEqual([])
})

test('that it goes on says nothing to a subscription whose answer has not come: its rows are missing', async () => {
  await using t = await setUp()
  t.server.held.add('subscribe')
  const subscription = t.client.subscribe('entity:Task', { event() {} })
  await settle()
  // The answer is late: the question counts no longer.
  await t.clock.advance(10_000)
  await settle()
  t.server.peer.say({
    channel: 'entity:Task',
    subscription: 'e',
    type: 'subscribed',
    payload: { recovered: true, position: { epoch: 'e1', offset: 9 } },
  })
  await settle()
  expect(subscription.status.value).toBe('loading')
})

/** The rights that the client names when it comes back. */
async function grantAfterReconnect(t: Awaited<ReturnType<typeof setUp>>): Promise<unknown> {
  t.server.peer.pair.cut()
  await t.clock.advance(1_000)
  return t.server.heard('subscribe').at(-1)?.payload?.['grant']
}

test('rights that change within a snapshot are named with its end: the client comes back with those', async () => {
  await using t = await setUp()
  const tasks = t.client.collection('Task')
  await tasks.ready
  const position = { epoch: 'e1', offset: 3 }
  const row = (id: string) => ({ id, title: id, done: false, version: 1 })
  const channel = 'entity:Task'
  let notified = 0
  tasks.onBatch(() => {
    notified++
    expect(tasks.rows.value.map(({ id }) => id)).toEqual(['b'])
  })
  const snapshot = { rows: [row('a')], more: true }
  t.server.peer.say({
    type: 'subscribed',
    channel,
    payload: { recovered: false, grant: 'old', position, snapshot },
  })
  t.server.peer.say({
    type: 'entity:deleted',
    channel,
    payload: { id: 'a' },
    position,
    reason: 'left',
    more: true,
  })
  t.server.peer.say({ type: 'entity:created', channel, payload: row('b'), position, reason: 'entered' })
  await settle()
  expect(notified).toBe(0)
  t.server.peer.say({ type: 'snapshot', channel, payload: { rows: [], more: false, grant: 'new' } })
  await settle()
  expect(notified).toBeGreaterThan(0)
  expect(await grantAfterReconnect(t)).toBe('new')
})

test.each([
  ['forbidden', 'without'],
  ['bad_query', 'with'],
])('who was ended by %s comes back %s the rights it had', async (code, rights) => {
  await using t = await setUp()
  const tasks = t.client.collection('Task')
  await tasks.ready
  t.server.peer.say({
    type: 'subscribed',
    channel: 'entity:Task',
    payload: { recovered: true, grant: 'old' },
  })
  // Its rows are gone with `forbidden`: with the rights of before they would have to be sent again.
  t.server.peer.say({ type: 'error', channel: 'entity:Task', ended: true, payload: { code, message: 'no' } })
  await settle()
  expect(tasks.status.value).toBe('failed')
  expect((await grantAfterReconnect(t)) === 'old').toBe(rights === 'with')
})

test('rights that are told in the middle of a transaction, or of a snapshot, lose nothing of it', async () => {
  await using t = await setUp()
  const tasks = t.client.collection('Task')
  await tasks.ready
  const channel = 'entity:Task'
  const row = (id: string) => ({ id, title: id, done: false, version: 1 })
  const epoch = 'e1'
  const created = { type: 'entity:created', channel } as const
  const goesOn = { type: 'subscribed', channel, payload: { recovered: true, grant: 'unsettled' } } as const
  t.server.peer.say({ ...created, payload: row('a'), position: { epoch, offset: 1 }, more: true })
  t.server.peer.say(goesOn)
  t.server.peer.say({ ...created, payload: row('b'), position: { epoch, offset: 2 } })
  await settle()
  expect(tasks.rows.value.map(({ id }) => id)).toEqual(['a', 'b'])
  const snapshot = { rows: [row('c')], more: true }
  t.server.peer.say({
    type: 'subscribed',
    channel,
    payload: { recovered: false, grant: 'g', position: { epoch, offset: 3 }, snapshot },
  })
  t.server.peer.say(goesOn)
  t.server.peer.say({ type: 'snapshot', channel, payload: { rows: [row('d')], more: false } })
  await settle()
  expect(tasks.rows.value.map(({ id }) => id)).toEqual(['c', 'd'])
  expect(await grantAfterReconnect(t)).toBe('unsettled')
})

test('rights that come with the end of a snapshot that was answered too late are not those of the rows there are', async () => {
  await using t = await setUp()
  const tasks = t.client.collection('Task')
  await tasks.ready
  const channel = 'entity:Task'
  t.server.held.add('subscribe')
  t.server.peer.say({ type: 'subscribed', channel, payload: { recovered: true, grant: 'old' } })
  t.server.peer.say({ type: 'unsubscribed', channel })
  await settle()
  const { requestId } = t.server.heard('subscribe').at(-1) ?? {}
  // It is not waited for any more, and not yet asked for again.
  await t.clock.advance(10_000)
  const position = { epoch: 'e1', offset: 3 }
  const payload = { recovered: false, grant: 'half', position, snapshot: { rows: [], more: true } }
  t.server.peer.say({ type: 'subscribed', channel, requestId, payload })
  t.server.peer.say({ type: 'snapshot', channel, payload: { rows: [], more: false, grant: 'new' } })
  await settle()
  expect(await grantAfterReconnect(t)).toBe('old')
})
