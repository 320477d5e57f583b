// However writes, reads, subscribes and losses interleave: what a client has applied is what its rule shows of the table.
import { drainMicrotasks } from '@dnr/testing'
import type { Position } from '@dnr/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { policies } from '../../src/policy/policies.ts'
import { allow, type RowRule } from '../../src/policy/rule.ts'
import { Task, type TaskRow } from '../support/entities.ts'
import { createMemoryStore, task } from '../support/memory-store.ts'
import { createTestServer, type Received, type TestClient } from '../support/test-server.ts'

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

/** A client as PROTOCOL.md describes it: whole transactions, versions, positions, deaf from a request to its answer. */
function createModel(): {
  apply(messages: readonly Received[]): void
  /** Returns the id of the request that comes next. */
  asks(): string
  readonly rows: Map<string, { team: string }>
  position: Position | null
  grant: string | null
  /** Was it told to subscribe anew? */
  mustAsk: boolean
} {
  const rows = new Map<string, { version: number; team: string }>()
  let batch: Received[] = []
  let replacing: Map<string, { version: number; team: string }> | null = null
  let begin: Position | null = null
  let asked = 0
  let isDeaf = true
  const model = {
    rows,
    position: null as Position | null,
    grant: null as string | null,
    mustAsk: false,
    asks() {
      batch = []
      replacing = null
      isDeaf = true
      model.mustAsk = false
      return `req_${++asked}`
    },
    apply(messages: readonly Received[]) {
      for (const message of messages) {
        if (message.type === 'subscribed' && message.requestId === `req_${asked}`) isDeaf = false
        if (isDeaf) continue
        if (message.type === 'unsubscribed') {
          model.mustAsk = true
          isDeaf = true
        } else if (message.type === 'subscribed') {
          model.grant = message.payload.grant as string
          // Rights changed, and the subscription goes on.
          if (message.requestId === undefined) continue
          const isPartial = message.payload.snapshot?.more === true
          begin = message.payload.position as Position
          model.position = isPartial ? null : begin
          if (message.payload.snapshot !== undefined) rowsOf(message.payload.snapshot)
        } else if (message.type === 'snapshot') rowsOf(message.payload)
        else if (message.type.startsWith('entity:')) {
          if (message['conflated'] !== undefined) conflations++
          batch.push(message)
          if (message['more'] !== true) settle()
        }
      }
    },
  }
  const rowsOf = (part: { rows: { id: string; version: number; team: string }[]; more: boolean }): void => {
    replacing ??= new Map()
    for (const row of part.rows) replacing.set(row.id, row)
    if (part.more) return
    model.position = begin
    rows.clear()
    for (const [id, row] of replacing) rows.set(id, row)
    replacing = null
  }
  const settle = (): void => {
    for (const { type, payload, position, reason } of batch) {
      const isReasoned = reason !== undefined
      expect(position.offset).toBeGreaterThan((model.position?.offset ?? -1) - (isReasoned ? 1 : 0))
      const known = rows.get(payload.id)
      const least = (known?.version ?? 0) + (isReasoned ? 0 : 1)
      if (payload.version !== undefined && payload.version < least) continue
      if (type === 'entity:deleted') rows.delete(payload.id)
      else rows.set(payload.id, payload)
    }
    model.position = batch.at(-1)?.position ?? model.position
    batch = []
  }
  return model
}

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
        const model = createModel()
        const waiting: (() => void)[] = []
        let isClosed = false
        memory.gate = () =>
          isClosed ? new Promise<void>((resolve) => void waiting.push(resolve)) : undefined
        const openGate = (): void => {
          isClosed = false
          for (const open of waiting.splice(0)) open()
        }
        const subscribe = (client: TestClient): void =>
          client.send({
            type: 'subscribe',
            channel: 'entity:Task',
            requestId: model.asks(),
            payload: {
              snapshot: true,
              grant: model.grant,
              ...(model.position && { position: model.position }),
            },
          })
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
