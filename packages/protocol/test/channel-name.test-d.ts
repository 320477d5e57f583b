import { expectTypeOf, test } from 'vitest'
import { type ChannelName, formatChannel, parseChannel } from '../src/channel-name.ts'

test('a channel name is a template of its kinds', () => {
  expectTypeOf<'entity:Task'>().toExtend<ChannelName>()
  expectTypeOf<'entity:Task:42'>().toExtend<ChannelName>()
  expectTypeOf<'presence:workspace/tasks'>().toExtend<ChannelName>()
  expectTypeOf<'user:alice'>().toExtend<ChannelName>()
  expectTypeOf<'room:lobby'>().toExtend<ChannelName>()
})

test('a wrong channel name does not compile', () => {
  // @ts-expect-error a kind that does not exist
  const unknownKind: ChannelName = 'table:Task'
  // @ts-expect-error no kind at all
  const bare: ChannelName = 'Task'
  // @ts-expect-error any text may be any channel or none
  const anyText: ChannelName = 'x' as string
  expectTypeOf([unknownKind, bare, anyText]).toEqualTypeOf<ChannelName[]>()
})

test('formatting wants every part of the kind', () => {
  // @ts-expect-error a record channel needs its id
  formatChannel({ kind: 'record', entity: 'Task' })
  // @ts-expect-error a user channel has no id
  formatChannel({ kind: 'user', id: 'alice' })
})

test('a parsed name must be looked at before it is used', () => {
  const parsed = parseChannel('entity:Task')
  // @ts-expect-error it may be a refusal
  expectTypeOf(parsed.value)
  if (parsed.ok && parsed.value.kind === 'record') expectTypeOf(parsed.value.id).toBeString()
})
