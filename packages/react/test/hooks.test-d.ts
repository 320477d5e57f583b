import { createRealtimeClient, type Collection } from '@dnr/client'
import { defineEntity, type Member } from '@dnr/protocol'
import { useCollection, useConnectionState, useOpened, usePresence } from '@dnr/react'
import type { ReadonlySignal } from '@preact/signals-core'
import { expectTypeOf, test } from 'vitest'
import { z } from 'zod'

const Task = defineEntity('Task', z.object({ id: z.string(), title: z.string(), done: z.boolean() }))
type TaskRow = { id: string; title: string; done: boolean; readonly version: number }

const client = createRealtimeClient<{ readonly Task: typeof Task }>({ url: 'ws://x', connect: false })

test('a collection’s rows have the types of its entity, and its status the client’s', () => {
  const { rows, status, collection } = useCollection(() => client.collection('Task'), [])
  expectTypeOf(rows).toEqualTypeOf<readonly TaskRow[]>()
  expectTypeOf(status).toEqualTypeOf<'loading' | 'live' | 'stale' | 'failed'>()
  expectTypeOf(collection).toEqualTypeOf<Collection<TaskRow>>()
  // @ts-expect-error -- no such field
  void rows[0]?.titel
})

test('an unknown entity, field or channel does not compile', () => {
  // @ts-expect-error -- there is no Tusk
  useCollection(() => client.collection('Tusk'), [])
  // @ts-expect-error -- no such field
  useCollection(() => client.collection('Task', { where: { titel: 'x' } }), [])
  // @ts-expect-error -- no such kind of channel
  useOpened(() => ({ close: client.subscribe('topic:a', {}).unsubscribe }), [])
})

test('presence keeps the types of the room', () => {
  interface Room {
    readonly members: ReadonlySignal<readonly Member[]>
    readonly error: ReadonlySignal<{ readonly code: string } | null>
    leave(): void
    update(metadata: { readonly card: string }): void
  }
  const join = (): Room => null as never
  const { members, error, room } = usePresence(join, [])
  expectTypeOf(members).toEqualTypeOf<readonly Member[]>()
  expectTypeOf(error).toEqualTypeOf<{ readonly code: string } | null>()
  // @ts-expect-error -- a card is a text
  room?.update({ card: 1 })
  // @ts-expect-error -- no such field of a member
  void members[0]?.nickname
  // @ts-expect-error -- rows are no room
  usePresence(() => client.collection('Task'), [])
})

test('the connection’s state is the client’s', () => {
  const state = useConnectionState(client)
  // @ts-expect-error -- no such status
  void (state.status === 'online')
})
