import { effect } from '@preact/signals-core'
import type { Member, ServerMessage } from '@dnr/protocol'
import { createManualClock, drainMicrotasks } from '@dnr/testing'
import { expect, test } from 'vitest'
import { createPresenceManager, type PresenceManagerOptions } from '../../src/client.ts'
import { member } from './member.ts'

interface Said {
  readonly type: string
  readonly payload?: unknown
}

function setUp(options: Partial<PresenceManagerOptions> = {}) {
  const clock = createManualClock()
  const said: Said[] = []
  const listeners = new Set<{ message?(message: ServerMessage): void; status?(status: string): void }>()
  let subscriptions = 0
  let lastJoin: string | undefined
  const manager = createPresenceManager({
    clock,
    transport: {
      subscribe(_, listener) {
        subscriptions++
        listeners.add(listener)
        return { unsubscribe: () => void listeners.delete(listener) }
      },
      send: ({ type, payload, requestId }) => {
        if (type === 'presence:join') lastJoin = requestId
        said.push(payload === undefined ? { type } : { type, payload })
        return true
      },
    },
    ...options,
  })
  const tell = (message: object): void =>
    listeners.forEach((listener) =>
      listener.message?.({ channel: 'presence:board', timestamp: 0, ...message } as ServerMessage),
    )
  return {
    manager,
    clock,
    listeners,
    subscriptions: () => subscriptions,
    status: (status: string) => listeners.forEach((listener) => listener.status?.(status)),
    hear: (type: string, ...users: Member[]) => tell({ type, payload: { users } }),
    tell,
    /** The request id of the last join. */
    lastJoin: () => lastJoin,
    /** What was sent since the last call. */
    take: () => said.splice(0),
  }
}

const join = (metadata = {}): Said => ({ type: 'presence:join', payload: { metadata } })
const update = (metadata: object): Said => ({ type: 'presence:update', payload: { metadata } })
const beat = (state: string): Said => ({ type: 'presence:heartbeat', payload: { state } })
const leave: Said = { type: 'presence:leave' }

test('joins when the channel is live, and again with its current metadata after a reconnect (K143)', () => {
  const { manager, status, take } = setUp()
  const room = manager.join('board', { metadata: { card: null } })
  expect(take()).toEqual([])
  status('live')
  expect(take()).toEqual([join({ card: null })])
  room.update({ card: '7' })
  status('stale')
  room.update({ card: '8' })
  take()
  status('live')
  expect(take()).toEqual([join({ card: '8' })])
})

test('a status that says live again is no reason to join again', () => {
  const { manager, status, take } = setUp()
  manager.join('board')
  status('live')
  status('live')
  expect(take()).toEqual([join()])
})

test('keeps its members while the connection is down, and says that they are stale; then forgets them (K140)', async () => {
  const { manager, clock, status, hear } = setUp({ staleAfterMs: 30_000 })
  const room = manager.join('board')
  status('live')
  hear('presence:sync', member('alice'), member('bob'))
  expect(room.stale.value).toBe(false)
  status('stale')
  await clock.advance(29_999)
  expect(room.stale.value).toBe(true)
  expect(room.members.value.map(({ id }) => id)).toEqual(['alice', 'bob'])
  await clock.advance(1)
  expect(room.members.value).toEqual([])
})

test('on return nothing flashes: one notification, with what changed (K140)', async () => {
  const { manager, clock, status, hear } = setUp()
  const room = manager.watch('board')
  status('live')
  hear('presence:sync', member('alice'), member('bob'), member('carol'))
  const [alice] = room.members.value
  const seen: string[][] = []
  effect(() => void seen.push(room.members.value.map(({ id }) => id)))
  status('stale')
  await clock.advance(10_000)
  status('live')
  hear('presence:sync', member('alice'), member('carol'), member('dave'))
  await clock.advance(60_000)
  expect(seen).toEqual([
    ['alice', 'bob', 'carol'],
    ['alice', 'carol', 'dave'],
  ])
  expect(room.members.value[0]).toBe(alice)
})

test('a refused resource shows nobody', () => {
  const { manager, status, hear } = setUp()
  const room = manager.watch('board')
  status('live')
  hear('presence:sync', member('alice'))
  status('failed')
  expect([room.members.value, room.stale.value]).toEqual([[], true])
})

test('several parts of a page share one subscription and one join, and the last one ends both', async () => {
  const { manager, listeners, status, subscriptions, take } = setUp()
  const first = manager.join('board')
  const second = manager.join('board')
  status('live')
  expect([subscriptions(), take()]).toEqual([1, [join()]])
  first.leave()
  first.leave()
  await drainMicrotasks()
  expect([listeners.size, take()]).toEqual([1, []])
  second.leave()
  await drainMicrotasks()
  expect([listeners.size, take()]).toEqual([0, [leave]])
})

test('a part that is mounted, unmounted and mounted in one turn joins once (StrictMode)', async () => {
  const { manager, status, subscriptions, take } = setUp()
  const first = manager.join('board')
  status('live')
  first.leave()
  const again = manager.join('board')
  await drainMicrotasks()
  expect([subscriptions(), take()]).toEqual([1, [join()]])
  expect(again.stale.value).toBe(false)
})

test('a part that joins while others watch is seen, and is unseen when it leaves; the others go on watching', async () => {
  const { manager, listeners, status, take, hear } = setUp()
  const watching = manager.watch('board')
  status('live')
  expect(take()).toEqual([])
  const visible = manager.join('board', { metadata: { card: '1' } })
  expect(take()).toEqual([join({ card: '1' })])
  visible.leave()
  await drainMicrotasks()
  expect([listeners.size, take()]).toEqual([1, [leave]])
  hear('presence:join', member('bob'))
  expect(watching.members.value.map(({ id }) => id)).toEqual(['bob'])
  status('stale')
  status('live')
  expect(take()).toEqual([])
})

test('metadata given by a later part is what the others see', () => {
  const { manager, status, take } = setUp()
  manager.join('board', { metadata: { card: '1' } })
  status('live')
  take()
  manager.join('board', { metadata: { card: '2' } })
  manager.join('board')
  expect(take()).toEqual([update({ card: '2' })])
})

test('sixty moves a second are twenty updates, and the last is always sent (K145)', async () => {
  const { manager, clock, status, take } = setUp()
  const room = manager.join('board')
  status('live')
  take()
  for (let move = 1; move <= 60; move++) {
    room.update({ move })
    await clock.advance(1_000 / 60)
  }
  await clock.advance(50)
  const said = take()
  expect(said[0]).toEqual(update({ move: 1 }))
  expect(said.at(-1)).toEqual(update({ move: 60 }))
  expect(said.length).toBeLessThanOrEqual(21)
})

test('an update that waits for its turn is not sent after a loss, nor after a leave', async () => {
  const { manager, clock, status, take } = setUp()
  const room = manager.join('board')
  manager.watch('board')
  status('live')
  room.update({ move: 1 })
  room.update({ move: 2 })
  status('stale')
  take()
  status('live')
  expect(take()).toEqual([join({ move: 2 })])
  room.update({ move: 3 })
  room.update({ move: 4 })
  room.leave()
  await drainMicrotasks()
  take()
  await clock.advance(1_000)
  expect(take()).toEqual([])
})

test('says its activity once for each change, and again after a reconnect', () => {
  const { manager, status, take } = setUp()
  const room = manager.join('board')
  status('live')
  room.heartbeat()
  room.heartbeat('away')
  room.heartbeat('away')
  expect(take()).toEqual([join(), beat('away')])
  status('stale')
  room.heartbeat('idle')
  status('live')
  expect(take()).toEqual([join(), beat('idle')])
})

test('a server that has lost sight of a join is told again', () => {
  const { manager, status, tell, take } = setUp()
  const room = manager.join('board', { metadata: { card: '1' } })
  manager.watch('board')
  status('live')
  take()
  tell({ type: 'error', payload: { code: 'not_joined', message: '' } })
  expect(take()).toEqual([join({ card: '1' })])
  tell({ type: 'error', payload: { code: 'bad_metadata', message: '' } })
  status('stale')
  tell({ type: 'error', payload: { code: 'not_joined', message: '' } })
  expect(take()).toEqual([])
  room.leave()
})

test('with activity auto a hidden page is away, and active the moment it is seen (K138, K139)', () => {
  const target = Object.assign(new EventTarget(), { hidden: false })
  const show = (isShown: boolean): void => {
    target.hidden = !isShown
    target.dispatchEvent(new Event('visibilitychange'))
  }
  const { manager, status, take } = setUp({ activity: 'auto', visibility: target })
  manager.join('board')
  status('live')
  show(false)
  show(true)
  expect(take()).toEqual([join(), beat('away'), beat('active')])
  show(false)
  manager.join('other')
  take()
  status('stale')
  status('live')
  expect(take()).toEqual([join(), beat('away'), join(), beat('away')])
  manager.close()
  show(true)
  expect(take()).toEqual([leave, leave])
})

test('closing leaves everything, with no timer and no listener left', async () => {
  const { manager, clock, listeners, status, take } = setUp()
  const room = manager.join('board')
  manager.watch('other')
  status('live')
  room.update({ move: 1 })
  room.update({ move: 2 })
  take()
  manager.close()
  manager.close()
  room.leave()
  await drainMicrotasks()
  expect(take()).toEqual([leave])
  expect([listeners.size, clock.pendingTimers]).toEqual([0, 0])
})

test('a manager whose channel is live already shows at once who is there', () => {
  const manager = createPresenceManager({
    transport: {
      subscribe(channel, listener) {
        listener.status?.('live')
        const users = [member('alice')]
        listener.message?.({ type: 'presence:sync', channel, timestamp: 0, payload: { users } })
        return { unsubscribe() {} }
      },
      send: () => true,
    },
  })
  const room = manager.watch('board')
  expect([room.members.value.map(({ id }) => id), room.stale.value]).toEqual([['alice'], false])
})

const refuse = (code: string, retryAfterMs?: number, requestId?: string) => ({
  type: 'error',
  requestId,
  payload: { code, message: 'No.', retryAfterMs },
})

test('a full resource is said, not claimed as joined, and tried again when the server says', async () => {
  const { manager, clock, status, take, tell, lastJoin } = setUp()
  const room = manager.join('board')
  status('live')
  take()
  tell(refuse('busy', 5_000, lastJoin()))
  expect(room.error.value).toMatchObject({ code: 'busy', retryAfterMs: 5_000 })
  room.update({ card: 1 })
  room.heartbeat('away')
  await clock.advance(4_999)
  expect(take()).toEqual([])
  await clock.advance(1)
  expect(take()).toEqual([join({ card: 1 }), beat('away')])
  expect(room.error.value).toMatchObject({ code: 'busy' })
  tell({ type: 'presence:sync', requestId: lastJoin(), payload: { users: [] } })
  expect(room.error.value).toBeNull()
})

test('who was refused and leaves says nothing and does not come back', async () => {
  const { manager, clock, status, take, tell, lastJoin } = setUp()
  const room = manager.join('board')
  manager.watch('board')
  status('live')
  tell(refuse('busy', 5_000, lastJoin()))
  take()
  room.leave()
  await clock.advance(10_000)
  expect([take(), room.error.value, clock.pendingTimers]).toEqual([[], null, 0])
})

test('a join refused for its metadata is tried again with the next metadata', () => {
  const { manager, status, take, tell, lastJoin } = setUp()
  const room = manager.join('board', { metadata: { text: 'long' } })
  status('live')
  tell(refuse('bad_metadata', undefined, lastJoin()))
  take()
  expect(room.error.value?.code).toBe('bad_metadata')
  room.update({ text: 'short' })
  expect([take(), room.error.value]).toEqual([[join({ text: 'short' })], null])
})

test('an update refused for its metadata is said, and the room stays joined', async () => {
  const { manager, status, take, tell } = setUp()
  const room = manager.join('board')
  status('live')
  tell(refuse('bad_metadata'))
  expect(room.error.value?.code).toBe('bad_metadata')
  take()
  room.leave()
  await drainMicrotasks()
  expect(take()).toEqual([leave])
})

test('an update that finds no room to wait is said again, with all that was said since', async () => {
  const { manager, clock, status, take, tell, lastJoin } = setUp()
  const room = manager.join('board')
  status('live')
  room.update({ move: 1 })
  room.heartbeat('idle')
  take()
  tell(refuse('busy', 1_000))
  expect(room.error.value?.code).toBe('busy')
  await clock.advance(1_000)
  expect(take()).toEqual([join({ move: 1 }), beat('idle')])
  tell({ type: 'presence:sync', requestId: lastJoin(), payload: { users: [] } })
  expect([room.error.value, clock.pendingTimers]).toEqual([null, 0])
})

test('what is refused after the subscription has ended changes nothing of how long members stay', async () => {
  const { manager, clock, status, take, tell, hear, lastJoin } = setUp()
  const room = manager.join('board')
  status('live')
  hear('presence:sync', member('bob'))
  status('stale')
  take()
  tell(refuse('busy', 1_000))
  tell({ ...refuse('busy', 1_000), requestId: lastJoin() })
  await clock.advance(60_000)
  expect([take(), room.members.value]).toEqual([[], []])
})
