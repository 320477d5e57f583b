import type { Member, ServerMessage } from '@dnr/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyPresence } from '../../src/client.ts'
import { diffMembers } from '../../src/index.ts'
import { member } from './member.ts'

const message = (type: string, users: readonly Member[]): ServerMessage =>
  ({ type, channel: 'presence:board', timestamp: 0, payload: { users } }) as unknown as ServerMessage

const people = fc
  .uniqueArray(
    fc.record({
      id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      connections: fc.integer({ min: 1, max: 3 }),
      state: fc.constantFrom('active' as const, 'idle' as const, 'away' as const),
      card: fc.nat(2),
    }),
    { selector: ({ id }) => id },
  )
  .map((all) =>
    all
      .map(({ id, connections, state, card }) => member(id, { connections, state, metadata: { card } }))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
  )

test('what the server tells of a difference makes the new members of the old', () => {
  fc.assert(
    fc.property(people, people, (before, after) => {
      const { joined, updated, left } = diffMembers(before, after)
      const messages = [
        message('presence:join', joined),
        message('presence:update', updated),
        message('presence:leave', left),
      ]
      expect(messages.reduce(applyPresence, before)).toEqual(after)
      expect(messages.toReversed().reduce(applyPresence, before)).toEqual(after)
      expect(applyPresence(before, message('presence:sync', after))).toEqual(after)
    }),
  )
})

test('hearing something twice changes nothing, not even the list', () => {
  fc.assert(
    fc.property(people, people, fc.constantFrom('sync', 'join', 'update', 'leave'), (before, users, type) => {
      const once = applyPresence(before, message(`presence:${type}`, users))
      const copies = structuredClone<readonly Member[]>(users)
      expect(applyPresence(once, message(`presence:${type}`, copies))).toBe(once)
    }),
  )
})

test('members that did not change stay the same objects', () => {
  const before = [member('alice'), member('bob')]
  const after = applyPresence(
    before,
    message('presence:sync', [member('alice'), member('bob', { connections: 2 })]),
  )
  expect(after[0]).toBe(before[0])
  expect(after[1]).not.toBe(before[1])
})

test('what is not about people changes nothing', () => {
  const before = [member('alice')]
  expect(
    applyPresence(before, { type: 'subscribed', channel: 'presence:board', timestamp: 0, payload: {} }),
  ).toBe(before)
  expect(applyPresence(before, message('presence:future', []))).toBe(before)
})
