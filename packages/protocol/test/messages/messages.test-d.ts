import { expectTypeOf, test } from 'vitest'
import type { ClientMessage, ClientMessageType } from '../../src/messages/client-message.ts'
import type { EntityEvent, ServerMessage, ServerMessageType } from '../../src/messages/server-message.ts'

test('all types of the original architecture exist, on the right side', () => {
  expectTypeOf<
    'subscribe' | 'unsubscribe' | 'presence:join' | 'presence:leave' | 'presence:heartbeat' | 'ping'
  >().toExtend<ClientMessageType>()
  expectTypeOf<
    | 'subscribed'
    | 'unsubscribed'
    | 'entity:created'
    | 'entity:updated'
    | 'entity:deleted'
    | 'presence:join'
    | 'presence:leave'
    | 'presence:sync'
    | 'pong'
    | 'error'
  >().toExtend<ServerMessageType>()
  expectTypeOf<EntityEvent['type']>().toEqualTypeOf<'entity:created' | 'entity:updated' | 'entity:deleted'>()
})

test('a wrong message does not compile', () => {
  // @ts-expect-error a channel is missing
  const noChannel: ClientMessage = { type: 'subscribe' }
  // @ts-expect-error a client does not send this
  const serverType: ClientMessage = { type: 'pong' }
  expectTypeOf([noChannel, serverType]).toEqualTypeOf<ClientMessage[]>()

  type Mutation = { operation: 'update'; entity: string; mutationId: string; fields: object }
  expectTypeOf<{ type: 'auth'; payload: { password: string } }>().not.toExtend<ClientMessage>()
  expectTypeOf<{ type: 'mutate'; payload: Mutation }>().not.toExtend<ClientMessage>()
  expectTypeOf<{
    type: 'mutate'
    payload: Mutation & { id: string; fields: Record<string, unknown> }
  }>().toExtend<ClientMessage>()
})

test('an event may have a position, and its row has a version', () => {
  type Created = { type: 'entity:created'; channel: string; timestamp: number }
  type Position = { epoch: string; offset: number }
  expectTypeOf<
    Created & { payload: { id: string; version: number }; position: Position }
  >().toExtend<ServerMessage>()
  expectTypeOf<Created & { payload: { id: string; version: number } }>().toExtend<ServerMessage>()
  expectTypeOf<Created & { payload: { id: string }; position: Position }>().not.toExtend<ServerMessage>()
})

test('the type of a message tells its payload', () => {
  const message = {} as ServerMessage
  if (message.type === 'subscribed')
    expectTypeOf(message.payload.recovered).toEqualTypeOf<boolean | undefined>()
  if (message.type === 'error') expectTypeOf(message.payload.code).toBeString()
  if (message.type === 'connected') expectTypeOf(message.payload.userId).toEqualTypeOf<string | null>()
  // @ts-expect-error pong has no payload
  if (message.type === 'pong') expectTypeOf(message.payload)
})
