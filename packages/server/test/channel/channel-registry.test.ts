import { expect, test } from 'vitest'
import { createChannelRegistry, endOpening, holdUntil, mute } from '../../src/channel/channel-registry.ts'
import type { Connection } from '../../src/connection/connection.ts'
import { idleDoubts } from '../support/idle-doubts.ts'

const entry = { channel: { kind: 'room', room: 'lobby' }, name: 'room:lobby' } as const

test('whoever is muted, held back and muted again is counted as one reader, and as none when it is live', () => {
  const doubts = idleDoubts()
  const registry = createChannelRegistry(new Map(), doubts)
  const connection = { id: 'c1', subscriptions: null } as Connection
  const subscription = registry.install(connection, 'room:lobby', entry, null, true)
  const { group } = subscription
  const readers = (): number[] => [group.opening, group.channel.opening]
  expect(readers()).toEqual([1, 1])
  holdUntil(subscription, { epoch: 'e1', offset: 3 })
  expect(readers()).toEqual([0, 0])
  mute(subscription)
  mute(subscription)
  expect(readers()).toEqual([1, 1])
  endOpening(subscription)
  expect(readers()).toEqual([0, 0])
})
