import { createRealtimeClient, decodeRows } from '@dnr/client'
import { defineEntity, type PresenceChannel, type ServerMessage } from '@dnr/protocol'
import type { ReadonlySignal } from '@preact/signals-core'
import { describe, expectTypeOf, test } from 'vitest'
import { z } from 'zod'

const Task = defineEntity(
  'Task',
  z.object({
    id: z.string(),
    title: z.string(),
    done: z.boolean(),
    rank: z.number().nullable(),
    due: z.date(),
  }),
)
type Entities = { readonly Task: typeof Task }

const client = createRealtimeClient<Entities>({ url: 'ws://x', connect: false })
const decoded = createRealtimeClient({ url: 'ws://x', connect: false, rows: decodeRows({ Task }) })

test('rows are typed by the entity, as they travel or decoded', () => {
  const row = client.collection('Task').byId('a')
  expectTypeOf(row).toEqualTypeOf<
    | { id: string; title: string; done: boolean; rank: number | null; due: string; readonly version: number }
    | undefined
  >()
  expectTypeOf(decoded.collection('Task').byId('a')?.due).toEqualTypeOf<Date | undefined>()
})

test('an unknown entity does not compile', () => {
  // @ts-expect-error -- there is no Tusk
  client.collection('Tusk')
  // @ts-expect-error -- there is no Tusk
  void client.mutate({ entity: 'Tusk', operation: 'delete', id: 'a', mutationId: 'm' })
})

test('an unknown field, operator or value does not compile', () => {
  client.collection('Task', {
    where: { title: 'x', rank: { gte: 1, in: [1, null] }, due: { lt: '2026-01-01' } },
    orderBy: [['rank', 'desc']],
  })
  // @ts-expect-error -- no such field
  client.collection('Task', { where: { titel: 'x' } })
  // @ts-expect-error -- no such operator
  client.collection('Task', { where: { rank: { above: 1 } } })
  // @ts-expect-error -- a number is compared with a number
  client.collection('Task', { where: { rank: 'high' } })
  // @ts-expect-error -- no such field
  client.collection('Task', { orderBy: [['titel', 'asc']] })
  // @ts-expect-error -- no such direction
  client.collection('Task', { orderBy: [['title', 'up']] })
  // @ts-expect-error -- no such option
  client.collection('Task', { having: {} })
})

test('channels are templates', () => {
  client.subscribe('entity:Task', {
    event: (event) => expectTypeOf(event.position?.offset).toEqualTypeOf<number | undefined>(),
  })
  client.subscribe('entity:Task:42', {})
  client.subscribe('presence:board/red', {})
  client.subscribe('user:alice', {})
  client.subscribe('room:a', {})
  // @ts-expect-error -- there is no Tusk
  client.subscribe('entity:Tusk', {})
  // @ts-expect-error -- no such kind of channel
  client.subscribe('topic:a', {})
})

describe('the ports of the siblings fit', () => {
  test('presence', () => {
    interface PresenceTransport {
      subscribe(
        channel: PresenceChannel,
        listener: { message?(message: ServerMessage): void; status?(status: string): void },
      ): { unsubscribe(): void }
      send(message: { type: string; channel?: string; payload?: unknown }): boolean
      readonly connected: ReadonlySignal<boolean>
    }
    expectTypeOf(client).toExtend<PresenceTransport>()
  })

  test('optimistic: mutations and confirmed rows', () => {
    interface Port {
      mutate(
        mutation: {
          entity: string
          operation: 'create' | 'update' | 'delete'
          id: string
          fields?: Record<string, unknown>
          ifVersion?: number
          mutationId: string
        },
        options?: { signal?: AbortSignal },
      ): Promise<{ position: { epoch: string; offset: number } | null; row: unknown; visible: boolean }>
      readonly connected: ReadonlySignal<boolean>
    }
    expectTypeOf(client).toExtend<Port>()

    interface ConfirmedRows<Row extends { readonly id: string; readonly version: number }> {
      readonly entity: string
      readonly rows: ReadonlySignal<readonly Row[]>
      readonly status: ReadonlySignal<string>
      byId(id: string): Row | undefined
      readonly position: { readonly epoch: string; readonly offset: number } | null
      compare(a: Row, b: Row): number
      matches(row: Row): boolean
      onBatch(
        listener: (batch: {
          readonly changes: readonly {
            id: string
            row: Row | null
            version: number | null
            mutationId: string | null
          }[]
          readonly position: { readonly epoch: string; readonly offset: number }
          readonly kind: 'events' | 'resync' | 'answer'
        }) => void,
      ): () => void
      absorb(answer: {
        id: string
        row: Row | null
        version: number
        position: { readonly epoch: string; readonly offset: number } | null
      }): void
    }
    const confirmed = <Row extends { readonly id: string; readonly version: number }>(
      rows: ConfirmedRows<Row>,
    ): Row | undefined => rows.byId('a')
    expectTypeOf(confirmed(client.collection('Task'))?.title).toEqualTypeOf<string | undefined>()
  })
})
