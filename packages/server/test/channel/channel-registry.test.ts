import { expect, test } from 'vitest'
import { createChannelRegistry, endOpening, holdUntil, mute } from '../../src/channel/channel-registry.ts'
import type { Connection } from '../../src/connection/connection.ts'
import { idleDoubts } from '../support/idle-doubts.ts'

const entry = { channel: { kind: 'room', room: 'lobby' }, name: 'room:lobby' } as const

test('whoever is muted, held back and muted again is counted once, and no more when it is live or gone', () => {
  const doubts = idleDoubts()
  const registry = createChannelRegistry(
    new Map(),
    doubts,
    () => {},
    () => {},
  )
  const connection = { id: 'c1', subscriptions: null } as Connection
  const subscription = registry.install(connection, entry, null, true)
  const { group } = subscription
  const counts = (): number[] => [group.muted, group.opening, group.channel.opening]
  expect(counts()).toEqual([1, 1, 1])
  holdUntil(subscription, { epoch: 'e1', offset: 3 })
  expect(counts()).toEqual([1, 0, 0])
  mute(subscription)
  mute(subscription)
  expect(counts()).toEqual([1, 1, 1])
  endOpening(subscription)
  endOpening(subscription)
  expect(counts()).toEqual([0, 0, 0])
  mute(subscription)
  registry.remove(subscription)
  expect(counts()).toEqual([0, 0, 0])
})
