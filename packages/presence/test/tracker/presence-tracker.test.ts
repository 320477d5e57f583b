import { createManualClock } from '@dnr/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createPresenceTracker, diffMembers, membersOf, type Room } from '../../src/index.ts'

const alice = { id: 'alice', name: 'Alice' }
const bob = { id: 'bob', name: 'Bob' }

function setUp(ttlMs = 30_000) {
  const clock = createManualClock()
  return { clock, tracker: createPresenceTracker({ clock, ttlMs }) }
}

test('shows one member for a user with several connections, and keeps them until the last leaves (K135)', () => {
  const { tracker } = setUp()
  tracker.join('board', 'c1', alice)
  tracker.join('board', 'c2', alice, { card: '7' })
  expect(tracker.getPresent('board')).toMatchObject([
    { id: 'alice', connections: 2, metadata: { card: '7' } },
  ])
  tracker.leave('board', 'c1')
  expect(tracker.getPresent('board')).toMatchObject([{ id: 'alice', connections: 1 }])
  tracker.leave('board', 'c2')
  expect(tracker.getPresent('board')).toEqual([])
})

test('is as active as the most active tab (K146)', () => {
  const { tracker } = setUp()
  tracker.join('board', 'c1', alice)
  tracker.join('board', 'c2', alice)
  tracker.heartbeat('board', 'c1', 'away')
  expect(tracker.getPresent('board')[0]?.state).toBe('active')
  tracker.heartbeat('board', 'c2', 'idle')
  expect(tracker.getPresent('board')[0]?.state).toBe('idle')
})

test('keeps a lost connection for its time-out, then says what it removed (K142)', async () => {
  const { clock, tracker } = setUp(1_000)
  tracker.join('board', 'c1', alice)
  expect(tracker.lose('c1')).toEqual(['board'])
  expect(tracker.nextStaleInMs()).toBe(1_000)
  await clock.advance(999)
  expect(tracker.cleanupStale()).toEqual([])
  expect(tracker.getPresent('board')).toHaveLength(1)
  await clock.advance(1)
  expect(tracker.cleanupStale()).toEqual([{ resource: 'board', userId: 'alice', connectionId: 'c1' }])
  expect(tracker.getPresent('board')).toEqual([])
  expect(tracker.nextStaleInMs()).toBeNull()
})

test('what is said to be stale now is stale, however the times are rounded', async () => {
  // 24.1 + 1,000 is rounded down: less than 1,000 seem to have passed since.
  const clock = createManualClock({ monotonic: 24.1 })
  const tracker = createPresenceTracker({ clock, ttlMs: 1_000 })
  tracker.join('board', 'c1', alice)
  tracker.lose('c1')
  await clock.advance(tracker.nextStaleInMs() ?? 0)
  expect([tracker.nextStaleInMs(), tracker.cleanupStale()]).toMatchObject([0, [{ connectionId: 'c1' }]])
})

test('a return within the grace leaves no ghost of the lost connection (K141)', async () => {
  const { clock, tracker } = setUp(1_000)
  tracker.join('board', 'c1', alice)
  tracker.lose('c1')
  tracker.join('board', 'c2', alice)
  expect(tracker.getPresent('board')).toMatchObject([{ id: 'alice', connections: 1 }])
  await clock.advance(1_000)
  expect(tracker.cleanupStale()).toEqual([])
  expect(tracker.getPresent('board')).toHaveLength(1)
})

test('refuses metadata over its limit and keeps what was there', () => {
  const { tracker } = setUp()
  tracker.join('board', 'c1', alice, { card: '7' })
  expect(() => tracker.update('board', 'c1', { text: 'x'.repeat(1_100) })).toThrow(
    expect.objectContaining({ code: 'bad_metadata' }),
  )
  expect(tracker.getPresent('board')[0]?.metadata).toEqual({ card: '7' })
})

test('says of what has not joined that it has not', () => {
  const { tracker } = setUp()
  expect(tracker.heartbeat('board', 'c1')).toBe(false)
  expect(tracker.update('board', 'c1', {})).toBe(false)
  expect(tracker.leave('board', 'c1')).toBe(false)
  expect(tracker.lose('c1')).toEqual([])
})

test('a change of metadata is an update, never leave and join (K136)', () => {
  const { tracker } = setUp()
  tracker.join('board', 'c1', alice)
  const before = tracker.getPresent('board')
  tracker.update('board', 'c1', { card: '1' })
  const diff = diffMembers(before, tracker.getPresent('board'))
  expect(diff).toMatchObject({ joined: [], left: [], updated: [{ id: 'alice', metadata: { card: '1' } }] })
})

test('a negative time-out is refused by name', () => {
  expect(() => createPresenceTracker({ clock: createManualClock(), ttlMs: -1 })).toThrow(/ttlMs is -1/)
})

test('the time-out begins when the connection was last alive', async () => {
  const { clock, tracker } = setUp(1_000)
  tracker.join('board', 'c1', alice)
  tracker.join('board', 'c2', bob)
  tracker.lose('c1')
  tracker.lose('c2', 600)
  expect(tracker.nextStaleInMs()).toBe(400)
  await clock.advance(400)
  expect(tracker.cleanupStale()).toEqual([{ resource: 'board', userId: 'bob', connectionId: 'c2' }])
  expect(tracker.nextStaleInMs()).toBe(600)
})

test('a lost tab stops counting at once while another one is there', () => {
  const { tracker } = setUp()
  tracker.join('board', 'c1', alice, { card: '1' })
  tracker.join('board', 'c2', alice, { card: '2' })
  tracker.lose('c2')
  expect(tracker.getPresent('board')).toMatchObject([{ connections: 1, metadata: { card: '1' } }])
})

test('only activity moves the time somebody was last seen', async () => {
  const { clock, tracker } = setUp()
  const start = clock.now()
  const lastSeen = () => tracker.getMember('board', 'alice')?.lastSeen
  tracker.join('board', 'c1', alice)
  await clock.advance(10)
  tracker.heartbeat('board', 'c1', 'idle')
  expect(lastSeen()).toBe(start)
  tracker.heartbeat('board', 'c1')
  expect(lastSeen()).toBe(start + 10)
  await clock.advance(10)
  tracker.update('board', 'c1', {})
  expect(lastSeen()).toBe(start + 20)
})

test('a full resource refuses further users and changes nothing', () => {
  const clock = createManualClock()
  const tracker = createPresenceTracker({ clock, maxMembersPerResource: 1 })
  tracker.join('board', 'c1', alice)
  expect(() => tracker.join('board', 'c2', bob)).toThrow(
    expect.objectContaining({ code: 'busy', retryable: true }),
  )
  expect(tracker.resourcesOf('c2')).toEqual([])
  tracker.join('board', 'c3', alice)
  tracker.join('card', 'c2', bob)
  expect(tracker.getPresent('board')).toMatchObject([{ id: 'alice', connections: 2 }])
})

const rooms = fc
  .array(
    fc.record({
      connection: fc.nat(5),
      person: fc.constantFrom(alice, bob),
      state: fc.constantFrom('active', 'idle', 'away'),
    }),
    { maxLength: 8 },
  )
  .map(
    (entries): Room =>
      new Map(
        entries.map(({ connection, person, state }) => [
          `c${connection}`,
          {
            connectionId: `c${connection}`,
            person,
            metadata: {},
            activity: state,
            lastSeen: 0,
            lostMark: null,
          } as const,
        ]),
      ),
  )

test('old members and the difference give the new members', () => {
  fc.assert(
    fc.property(rooms, rooms, (a, b) => {
      const [before, after] = [membersOf(a), membersOf(b)]
      const { joined, updated, left } = diffMembers(before, after)
      const named = new Set([...joined, ...updated, ...left].map(({ id }) => id))
      const result = [...before.filter(({ id }) => !named.has(id)), ...joined, ...updated]
      expect(result.sort((x, y) => (x.id < y.id ? -1 : 1))).toEqual(after)
      expect(named.size).toBe(joined.length + updated.length + left.length)
    }),
  )
})
