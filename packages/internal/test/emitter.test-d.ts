import { expectTypeOf, test } from 'vitest'
import { createEmitter } from '../src/emitter.ts'

interface Events {
  opened: { url: string }
  closed: { code: number }
}

test('a listener gets the payload of its event', () => {
  const emitter = createEmitter<Events>((_error, event) =>
    expectTypeOf(event).toEqualTypeOf<'opened' | 'closed'>(),
  )
  emitter.on('opened', (payload) => expectTypeOf(payload).toEqualTypeOf<{ url: string }>())
  // @ts-expect-error the payload of another event
  emitter.emit('opened', { code: 1000 })
  // @ts-expect-error an unknown event
  emitter.on('lost', () => {})
})
