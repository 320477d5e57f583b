import { createManualClock, drainMicrotasks } from '@dnr/testing'
import type { ClientMessage, Member } from '@dnr/protocol'
import { expect, test } from 'vitest'
import { presence } from '../../src/server.ts'

interface Sent {
  readonly to: string
  readonly type: string
  readonly users: readonly Partial<Member>[]
  readonly requestId?: string
}

/** A host with principals by connection id; every subscribe is allowed but on `presence:secret`. */
function setUp(ttlMs = 1_000) {
  const clock = createManualClock()
  const principals = new Map<string, { id: string }>()
  const subscribers = new Map<string, Set<string>>()
  const sent: Sent[] = []
  const refused: string[] = []
  const session = presence({ ttlMs }).start({
    clock,
    connection: (id) => ({ id, principal: principals.get(id) ?? null }),
    subscribe: async (id, channel) => {
      if (channel === 'presence:secret') return 'refused'
      subscribers.set(channel, (subscribers.get(channel) ?? new Set()).add(id))
      return 'installed'
    },
    unsubscribe: (id, channel) => void subscribers.get(channel)?.delete(id),
    subscribers: (channel) => subscribers.get(channel) ?? [],
    send: (ids, message) => {
      const { users } = message.payload as { users: Member[] }
      for (const to of ids)
        sent.push({
          to,
          type: message.type,
          users,
          ...(message.requestId && { requestId: message.requestId }),
        })
    },
    refuse: (_, { code }) => void refused.push(code),
  })
  return {
    clock,
    session,
    refused,
    connect: (id: string, userId: string) => void principals.set(id, { id: userId }),
    async say(id: string, type: string, payload?: unknown, channel = 'presence:board') {
      await session.message(id, { type, channel, ...(payload !== undefined && { payload }) } as ClientMessage)
      await drainMicrotasks()
    },
    async drop(id: string, code: number) {
      for (const ids of subscribers.values()) ids.delete(id)
      session.disconnected(id, { code })
      await drainMicrotasks()
    },
    /** What was sent since the last call, as `receiver type users`. */
    take: () =>
      sent
        .splice(0)
        .map(
          ({ to, type, users }) =>
            `${to} ${type} ${users.map(({ id, connections }) => `${id}×${connections}`).join(',')}`,
        ),
  }
}

test('the joiner gets everybody including itself, the others hear of the joiner', async () => {
  const { connect, say, take } = setUp()
  connect('a', 'alice')
  connect('b', 'bob')
  await say('a', 'presence:join')
  expect(take()).toEqual(['a presence:sync alice×1'])
  await say('b', 'presence:join')
  expect(take()).toEqual(['b presence:sync alice×1,bob×1', 'a presence:join bob×1'])
})

test('a second tab is an update, and its leave is one too; the last leave is a leave (K135)', async () => {
  const { connect, say, take } = setUp()
  for (const [id, user] of [
    ['w', 'watcher'],
    ['a1', 'alice'],
    ['a2', 'alice'],
  ] as const)
    connect(id, user)
  await say('w', 'presence:join')
  await say('a1', 'presence:join')
  take()
  await say('a2', 'presence:join')
  expect(take()).toEqual([
    'a2 presence:sync alice×2,watcher×1',
    'w presence:update alice×2',
    'a1 presence:update alice×2',
  ])
  await say('a2', 'presence:leave')
  expect(take().filter((line) => line.startsWith('w'))).toEqual(['w presence:update alice×1'])
  await say('a1', 'presence:leave')
  expect(take().filter((line) => line.startsWith('w'))).toEqual(['w presence:leave alice×1'])
})

test('many joins of one turn are one message', async () => {
  const { connect, session, say, take } = setUp()
  connect('w', 'watcher')
  await say('w', 'presence:join')
  take()
  const joins = Array.from({ length: 20 }, (_, index) => {
    connect(`c${index}`, `user${String(index).padStart(2, '0')}`)
    return session.message(`c${index}`, { type: 'presence:join', channel: 'presence:board' })
  })
  await Promise.all(joins)
  await drainMicrotasks()
  const toWatcher = take().filter((line) => line.startsWith('w '))
  expect(toWatcher).toHaveLength(1)
  expect(toWatcher[0]).toContain('user00×1,user01×1')
})

test('a lost connection leaves after the time-out, a closed one at once', async () => {
  const { clock, connect, say, drop, take } = setUp(1_000)
  for (const [id, user] of [
    ['w', 'watcher'],
    ['a', 'alice'],
    ['b', 'bob'],
  ] as const) {
    connect(id, user)
    await say(id, 'presence:join')
  }
  take()
  await drop('b', 1000)
  expect(take()).toContain('w presence:leave bob×1')
  await drop('a', 1006)
  await clock.advance(999)
  expect(take()).toEqual([])
  await clock.advance(1)
  expect(take()).toEqual(['w presence:leave alice×1'])
})

test('a return within the time-out is neither leave nor join (K141)', async () => {
  const { clock, connect, say, drop, take } = setUp(1_000)
  for (const [id, user] of [
    ['w', 'watcher'],
    ['a', 'alice'],
    ['a2', 'alice'],
  ] as const)
    connect(id, user)
  await say('w', 'presence:join')
  await say('a', 'presence:join')
  take()
  await drop('a', 1006)
  await clock.advance(500)
  await say('a2', 'presence:join')
  await clock.advance(5_000)
  expect(take()).toEqual(['a2 presence:sync alice×1,watcher×1'])
})

test('refuses what was not joined, and tells nobody of a refused join', async () => {
  const { connect, refused, say, take } = setUp()
  connect('a', 'alice')
  await say('a', 'presence:heartbeat')
  await say('a', 'presence:update', { metadata: {} })
  await say('a', 'presence:join', undefined, 'presence:secret')
  await say('a', 'presence:join', { metadata: { text: 'x'.repeat(2_000) } })
  expect(refused).toEqual(['not_joined', 'not_joined', 'bad_metadata'])
  expect(take()).toEqual([])
})

test('identity comes from the session, not from the payload (K147)', async () => {
  const { connect, say, take } = setUp()
  connect('a', 'alice')
  await say('a', 'presence:join', { id: 'bob', name: 'Bob', metadata: {} })
  expect(take()).toEqual(['a presence:sync alice×1'])
})
