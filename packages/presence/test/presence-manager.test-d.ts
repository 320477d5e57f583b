import type { Member } from '@dnr/protocol'
import type { ReadonlySignal } from '@preact/signals-core'
import { expectTypeOf, test } from 'vitest'
import { createPresenceManager, type PresenceRefusal, type PresenceTransport } from '../src/client.ts'

declare const transport: PresenceTransport
const presence = createPresenceManager({ transport })

test('rooms show members and why one is not seen', () => {
  const room = presence.join('board/red', { metadata: { card: null } })
  expectTypeOf(room.members).toEqualTypeOf<ReadonlySignal<readonly Member[]>>()
  expectTypeOf(room.error).toEqualTypeOf<ReadonlySignal<PresenceRefusal | null>>()
  expectTypeOf(room.members.value[0]?.metadata['card']).toEqualTypeOf<unknown>()
})

test('metadata that is no object, and an unknown activity or option, do not compile', () => {
  const room = presence.join('board/red')
  // @ts-expect-error -- metadata has names
  presence.join('board/red', { metadata: 'here' })
  // @ts-expect-error -- no such option
  presence.join('board/red', { meta: {} })
  // @ts-expect-error -- metadata has names
  room.update('here')
  // @ts-expect-error -- no such activity
  room.heartbeat('asleep')
  // @ts-expect-error -- no such field of a member
  void room.members.value[0]?.nickname
})

test('who only watches has nothing to say', () => {
  // @ts-expect-error -- a watcher has no metadata
  presence.watch('board/red').update({})
  // @ts-expect-error -- a watcher is not seen
  presence.watch('board/red').heartbeat('active')
})

test('a transport takes channels of presence alone', () => {
  transport.subscribe('presence:board/red', {})
  // @ts-expect-error -- rows are no presence
  transport.subscribe('entity:Task', {})
  // @ts-expect-error -- a resource alone is no channel
  transport.subscribe('board/red', {})
})
