// The tracker against the plainest model of it: a list of metas for each resource, looked through each time.
import type { Activity, Member } from '@dnr/protocol'
import { createManualClock } from '@dnr/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createPresenceTracker, diffMembers, membersOf, type Meta } from '../../src/index.ts'

const TTL_MS = 1_000
const RESOURCES = ['board', 'card']

type Step =
  | {
      readonly type: 'join' | 'update'
      readonly resource: string
      readonly connection: number
      readonly card: number
    }
  | {
      readonly type: 'heartbeat'
      readonly resource: string
      readonly connection: number
      readonly activity: Activity
    }
  | { readonly type: 'rename'; readonly resource: string; readonly connection: number; readonly name: string }
  | { readonly type: 'leave'; readonly resource: string; readonly connection: number }
  | { readonly type: 'lose'; readonly connection: number }
  | { readonly type: 'leaveEverywhere'; readonly connection: number }
  | { readonly type: 'wait'; readonly ms: number }

const resource = fc.constantFrom(...RESOURCES)
const connection = fc.nat(5)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constantFrom('join' as const, 'update' as const),
      resource,
      connection,
      card: fc.nat(2),
    }),
  },
  fc.record({
    type: fc.constant('heartbeat' as const),
    resource,
    connection,
    activity: fc.constantFrom('active', 'idle', 'away'),
  }),
  fc.record({
    type: fc.constant('rename' as const),
    resource,
    connection,
    name: fc.constantFrom('alice', 'ally'),
  }),
  fc.record({ type: fc.constant('leave' as const), resource, connection }),
  { weight: 2, arbitrary: fc.record({ type: fc.constant('lose' as const), connection }) },
  fc.record({ type: fc.constant('leaveEverywhere' as const), connection }),
  fc.record({ type: fc.constant('wait' as const), ms: fc.constantFrom(100, 400, 1_000) }),
)

/** Connections 0 and 1 are alice's, 2 and 3 bob's, 4 and 5 carol's. A lost connection never speaks again. */
const personOf = (of: number) => {
  const id = ['alice', 'bob', 'carol'][of >> 1] as string
  return { id, name: id }
}

test('after any steps the tracker says what the model says, and the differences add up', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const clock = createManualClock()
      const tracker = createPresenceTracker({ clock, ttlMs: TTL_MS })
      const model = new Map<string, Meta[]>(RESOURCES.map((name) => [name, []]))
      const told = new Map<string, readonly Member[]>(RESOURCES.map((name) => [name, []]))
      const generation = new Map<number, number>()
      const idOf = (of: number): string => `c${of}.${generation.get(of) ?? 0}`

      for (const next of steps) {
        if (next.type === 'wait') {
          await clock.advance(next.ms)
          tracker.cleanupStale()
          for (const [name, metas] of model) {
            model.set(
              name,
              metas.filter(({ lostMark }) => lostMark === null || clock.monotonic() - lostMark < TTL_MS),
            )
          }
          continue
        }
        if (next.type === 'leaveEverywhere') {
          const { id } = personOf(next.connection)
          const where = RESOURCES.filter((name) => model.get(name)?.some(({ person }) => person.id === id))
          expect([...tracker.leaveEverywhere(id)].sort()).toEqual(where)
          for (const [name, metas] of model) {
            model.set(
              name,
              metas.filter(({ person }) => person.id !== id),
            )
          }
          continue
        }
        const connectionId = idOf(next.connection)
        if (next.type === 'lose') {
          tracker.lose(connectionId)
          generation.set(next.connection, (generation.get(next.connection) ?? 0) + 1)
          for (const [name, metas] of model) {
            model.set(
              name,
              metas.map((meta) =>
                meta.connectionId === connectionId ? { ...meta, lostMark: clock.monotonic() } : meta,
              ),
            )
          }
          continue
        }
        const metas = model.get(next.resource) ?? []
        const own = metas.find((meta) => meta.connectionId === connectionId)
        const others = metas.filter((meta) => meta !== own)
        const now = clock.now()
        if (next.type === 'join') {
          const person = personOf(next.connection)
          tracker.join(next.resource, connectionId, person, { card: next.card })
          const staying = others.filter((meta) => meta.lostMark === null || meta.person.id !== person.id)
          model.set(next.resource, [
            ...staying,
            {
              connectionId,
              person,
              metadata: { card: next.card },
              activity: 'active',
              lastSeen: now,
              lostMark: null,
            },
          ])
        } else if (next.type === 'update') {
          expect(tracker.update(next.resource, connectionId, { card: next.card })).toBe(own !== undefined)
          if (own)
            model.set(next.resource, [...others, { ...own, metadata: { card: next.card }, lastSeen: now }])
        } else if (next.type === 'heartbeat') {
          expect(tracker.heartbeat(next.resource, connectionId, next.activity)).toBe(own !== undefined)
          const lastSeen = next.activity === 'active' ? now : own?.lastSeen
          model.set(
            next.resource,
            metas.map((meta) =>
              meta === own ? { ...meta, activity: next.activity, lastSeen: lastSeen ?? now } : meta,
            ),
          )
        } else if (next.type === 'rename') {
          const { resource: where, name } = next
          const isNew = own !== undefined && own.person.name !== name
          expect(tracker.rename(where, connectionId, name)).toBe(isNew)
          model.set(
            where,
            metas.map((meta) => (meta === own ? { ...meta, person: { ...meta.person, name } } : meta)),
          )
        } else {
          expect(tracker.leave(next.resource, connectionId)).toBe(own !== undefined)
          model.set(next.resource, others)
        }
      }

      for (const name of RESOURCES) {
        const expected = membersOf(new Map((model.get(name) ?? []).map((meta) => [meta.connectionId, meta])))
        expect(tracker.getPresent(name)).toEqual(expected)
        expect(tracker.countPresent(name)).toBe(expected.length)
        for (const member of expected) expect(tracker.getMember(name, member.id)).toEqual(member)
        const { joined, updated, left } = diffMembers(told.get(name) ?? [], tracker.getPresent(name))
        expect([joined.length, updated, left]).toEqual([expected.length, [], []])
      }
      await clock.advance(TTL_MS)
      tracker.cleanupStale()
      expect(tracker.nextStaleInMs()).toBeNull()
    }),
    { numRuns: 150 },
  )
})
