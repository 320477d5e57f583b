import { expect, test, vi } from 'vitest'
import { createEmitter } from '../src/emitter.ts'

interface Events {
  opened: { url: string }
  closed: { code: number }
}

function rethrow(error: unknown): never {
  throw error
}

test('calls the listeners of the event in the order they came, with its payload', () => {
  const emitter = createEmitter<Events>(rethrow)
  const calls: string[] = []
  emitter.on('opened', ({ url }) => calls.push(`first ${url}`))
  emitter.on('opened', ({ url }) => calls.push(`second ${url}`))
  emitter.on('closed', () => calls.push('other event'))

  emitter.emit('opened', { url: 'ws://a' })

  expect(calls).toEqual(['first ws://a', 'second ws://a'])
})

test('emitting without listeners does nothing', () => {
  createEmitter<Events>(rethrow).emit('closed', { code: 1000 })
})

test('undoing stops the calls, and undoing twice leaves the others alone', () => {
  const emitter = createEmitter<Events>(rethrow)
  const listener = vi.fn()
  const undoFirst = emitter.on('closed', listener)
  emitter.on('closed', listener) // the same function again is a registration of its own

  undoFirst()
  undoFirst()
  emitter.emit('closed', { code: 1000 })

  expect(listener).toHaveBeenCalledTimes(1)
})

test('a listener that throws disturbs neither the others nor the caller', () => {
  const onError = vi.fn()
  const emitter = createEmitter<Events>(onError)
  const error = new Error('listener')
  const last = vi.fn()
  emitter.on('opened', () => rethrow(error))
  emitter.on('opened', last)

  emitter.emit('opened', { url: 'ws://a' })

  expect(onError.mock.calls).toEqual([[error, 'opened']])
  expect(last).toHaveBeenCalledTimes(1)
})

test('listeners added or removed during an emit count from the next one on', () => {
  const emitter = createEmitter<Events>(rethrow)
  const added = vi.fn()
  const removed = vi.fn()
  const undoFirst = emitter.on('closed', () => {
    undoFirst()
    undoRemoved()
    emitter.on('closed', added)
  })
  const undoRemoved = emitter.on('closed', removed)

  emitter.emit('closed', { code: 1 })
  expect([removed.mock.calls.length, added.mock.calls.length]).toEqual([1, 0])

  emitter.emit('closed', { code: 2 })
  expect([removed.mock.calls.length, added.mock.calls.length]).toEqual([1, 1])
})
