// However writes, reads, subscribes and losses interleave: what a client has applied is what its rule shows of the table.
import { drainMicrotasks } from '@dnr/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { policies } from '../../src/policy/policies.ts'
import { allow, type RowRule } from '../../src/policy/rule.ts'
import { Task, type TaskRow } from '../support/entities.ts'
import { createMemoryStore, task } from '../support/memory-store.ts'
import { createModelClient } from '../support/model-client.ts'
import { createTestServer, type TestClient } from '../support/test-server.ts'

type Step =
  | {
      readonly do: 'write'
      readonly ids: readonly number[]
      readonly team: 'red' | 'blue' | null
      readonly publish: boolean
    }
  | {
      readonly do: 'rights'
      readonly team: 'red' | 'blue' | 'none' | 'all'
      readonly scope: 'user' | 'channel'
    }
  | { readonly do: 'publish' | 'reconnect' | 'resubscribe' | 'turn' | 'pass' | 'open gate' | 'close gate' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      ids: fc.uniqueArray(fc.nat(4), { minLength: 1, maxLength: 3 }),
      team: fc.constantFrom('red' as const, 'blue' as const, null),
      publish: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('rights' as const),
      team: fc.constantFrom('red' as const, 'blue' as const, 'none' as const, 'all' as const),
      scope: fc.constantFrom('user' as const, 'channel' as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'publish' as const,
        'reconnect' as const,
        'resubscribe' as const,
        'turn' as const,
        'pass' as const,
        'open gate' as const,
        'close gate' as const,
      ),
    }),
  },
)

/** Events that stood for several changes, over all runs. */
let conflations = 0

test('every schedule ends with the rows of the table that may be seen', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      fc.constantFrom(null, 1, 2, 4),
      async (steps, size, readsLate, maxChannelChangesPerSecond) => {
        const memory = createMemoryStore({ chunkRows: size, pageChanges: size })
        let team: string = 'red'
        const shows = (row: { team: unknown }, asked: string): boolean =>
          asked === 'all' || row.team === asked
        const rule = (): true | RowRule<TaskRow> => {
          const now = team
          if (now === 'all' && !readsLate) return true
          return readsLate
            ? { sees: (row) => shows(row, team) }
            : { key: now, sees: (row) => shows(row, now) }
        }
        const server = createTestServer({
          memory,
          limits: { maxMessagesPerSecond: null, maxChannelChangesPerSecond },
          policies: policies(allow(Task, rule)),
        })
        const model = createModelClient()
        const waiting: (() => void)[] = []
        let isClosed = false
        memory.gate = () =>
          isClosed ? new Promise<void>((resolve) => void waiting.push(resolve)) : undefined
        const openGate = (): void => {
          isClosed = false
          for (const open of waiting.splice(0)) open()
        }
        const subscribe = (client: TestClient): void => client.send(model.asks())
        let client = await server.connect('ann@red')
        subscribe(client)
        const read = async (): Promise<void> => {
          model.apply(await client.take())
          if (model.mustAsk) subscribe(client)
        }
        let title = 0
        for (const each of steps) {
          switch (each.do) {
            case 'write':
              memory.write(
                each.ids
                  .filter((id) => each.team !== null || memory.rows.has(`t${id}`))
                  .map((id) => ({
                    id: `t${id}`,
                    row: each.team === null ? null : task(each.team, `${++title}`),
                  })),
                { publish: each.publish },
              )
              break
            case 'rights':
              team = each.team
              void server.rightsChanged(
                each.scope === 'user' ? { userId: 'ann' } : { channel: 'entity:Task' },
              )
              break
            case 'publish':
              memory.publishRest()
              break
            case 'reconnect':
              await read()
              client.pair.cut()
              client = await server.connect('ann@red')
              subscribe(client)
              break
            case 'resubscribe':
              await read()
              subscribe(client)
              break
            case 'turn':
              await server.clock.advance(1)
              await read()
              break
            case 'pass':
              await server.clock.advance(60)
              await read()
              break
            case 'open gate':
              openGate()
              break
            case 'close gate':
              isClosed = true
          }
        }
        openGate()
        memory.publishRest()
        for (let turn = 0; turn < 60; turn++) {
          await server.clock.advance(40)
          await drainMicrotasks()
          await read()
        }
        expect([...model.rows.values()].map((row) => JSON.stringify(row)).sort()).toEqual(
          [...memory.rows.values()]
            .filter((row) => shows({ team: row['team'] }, team))
            .map((row) => JSON.stringify(row))
            .sort(),
        )
        expect(server.logged.filter(({ level }) => level === 'error')).toEqual([])
        conflations += model.conflations
        client.pair.cut()
        await drainMicrotasks()
        expect(server.channels).toMatchObject({ subscriptionCount: 0, groupCount: 0, channelCount: 0 })
      },
    ),
    { numRuns: 2_000 },
  )
  // The limit was met, or this says nothing about it.
  expect(conflations).toBeGreaterThan(20)
}, 60_000)
