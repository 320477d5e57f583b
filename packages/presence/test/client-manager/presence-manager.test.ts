import type { Member, ServerMessage } from '@dnr/protocol'
import { expect, test } from 'vitest'
import { createPresenceManager } from '../../src/client.ts'

const member = (id: string, connections = 1): Member => ({
  id,
  name: id,
  lastSeen: 0,
  state: 'active',
  connections,
  metadata: {},
})

function setUp() {
  const sent: { type: string; payload?: unknown }[] = []
  const listeners = new Set<{ message?(message: ServerMessage): void; status?(status: string): void }>()
  let subscriptions = 0
  const manager = createPresenceManager({
    transport: {
      subscribe(_, listener) {
        subscriptions++
        listeners.add(listener)
        return { unsubscribe: () => void listeners.delete(listener) }
      },
      send: (message) => {
        sent.push(message)
        return true
      },
    },
  })
  return {
    manager,
    sent,
    listeners,
    subscriptions: () => subscriptions,
    status: (status: string) => listeners.forEach((listener) => listener.status?.(status)),
    hear: (type: string, ...users: Member[]) =>
      listeners.forEach((listener) =>
        listener.message?.({
          type,
          channel: 'presence:board',
          timestamp: 0,
          payload: { users },
        } as ServerMessage),
      ),
  }
}

test('joins when the channel is live, and again with its current metadata after a reconnect (K143)', () => {
  const { manager, sent, status } = setUp()
  const room = manager.join('board', { metadata: { card: null } })
  expect(sent).toEqual([])
  status('live')
  expect(sent).toMatchObject([{ type: 'presence:join', payload: { metadata: { card: null } } }])
  room.update({ card: '7' })
  status('stale')
  status('live')
  expect(sent.at(-1)).toMatchObject({ type: 'presence:join', payload: { metadata: { card: '7' } } })
})

test('keeps its members while the connection is down, and says that they are stale (K140)', () => {
  const { manager, status, hear } = setUp()
  const room = manager.join('board')
  status('live')
  hear('presence:sync', member('alice'), member('bob'))
  status('stale')
  expect(room.stale.value).toBe(true)
  expect(room.members.value.map(({ id }) => id)).toEqual(['alice', 'bob'])
})

test('joins, updates and leaves change whom they name', () => {
  const { manager, status, hear } = setUp()
  const room = manager.watch('board')
  status('live')
  hear('presence:sync', member('bob'))
  hear('presence:join', member('alice'))
  hear('presence:update', member('bob', 2))
  expect(room.members.value).toMatchObject([{ id: 'alice' }, { id: 'bob', connections: 2 }])
  hear('presence:leave', member('alice'))
  expect(room.members.value.map(({ id }) => id)).toEqual(['bob'])
})

test('several parts of a page share one subscription, and the last one ends it', () => {
  const { manager, listeners, sent, status, subscriptions } = setUp()
  const first = manager.join('board')
  const second = manager.join('board')
  status('live')
  expect(subscriptions()).toBe(1)
  expect(sent.filter(({ type }) => type === 'presence:join')).toHaveLength(1)
  first.leave()
  first.leave()
  expect(listeners.size).toBe(1)
  second.leave()
  expect(listeners.size).toBe(0)
})

test('becomes invisible and goes on watching when only watchers are left', () => {
  const { manager, sent, status } = setUp()
  const visible = manager.join('board')
  manager.watch('board')
  status('live')
  visible.leave()
  expect(sent.map(({ type }) => type)).toEqual(['presence:join', 'presence:leave', 'subscribe'])
})

test('says its activity once for each change, and again after a reconnect', () => {
  const { manager, sent, status } = setUp()
  const room = manager.join('board')
  status('live')
  room.heartbeat('away')
  room.heartbeat('away')
  status('stale')
  status('live')
  expect(sent.filter(({ type }) => type === 'presence:heartbeat')).toHaveLength(2)
})
