import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readServerMessage } from '../../src/codec/read-server-message.ts'

describe('readServerMessage', () => {
  test.each([
    { type: 'pong', timestamp: 1 },
    { type: 'unsubscribed', channel: 'entity:Task', timestamp: 1 },
    {
      type: 'entity:deleted',
      channel: 'entity:Task',
      payload: { id: '1' },
      position: { epoch: 'e', offset: 1 },
      timestamp: 1,
    },
    { type: 'message', channel: 'room:a', timestamp: 1 },
  ])('takes $type', (message) => {
    expect(readServerMessage(JSON.stringify(message))).toEqual({ ok: true, value: message })
  })

  test('lets unknown types through: the client ignores what it does not know', () => {
    expect(readServerMessage('{"type":"weather","payload":7}').ok).toBe(true)
  })

  test.each([
    '',
    'nope',
    'null',
    '[]',
    '"pong"',
    '{}',
    '{"type":1}',
    '{"type":"pong","channel":1}',
    '{"type":"entity:created","channel":"entity:Task"}',
    '{"type":"subscribed","payload":null}',
    '{"type":"error"}',
    '{"type":"presence:sync","payload":"x"}',
  ])('refuses %s', (frame) => expect(readServerMessage(frame).ok).toBe(false))

  test('never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.json(), fc.string({ unit: 'binary' })),
        (frame) => void readServerMessage(frame),
      ),
    )
  })
})
