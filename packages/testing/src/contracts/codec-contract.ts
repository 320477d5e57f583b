import type { Codec } from '@dnr/protocol'
import { type ContractCase, holds, same } from './contract.ts'

/** Frames that are none, whatever the codec's format: each has to be answered as a value. */
const HOSTILE = [
  '',
  '{',
  '[',
  'null',
  '"',
  '\u0000',
  '\ud800',
  'x'.repeat(10_000),
  '['.repeat(10_000),
  '{"a":'.repeat(5_000),
]

/** What every codec keeps. Run each case in a test of your own runner. */
export const codecContract: readonly ContractCase<() => Codec>[] = [
  {
    name: 'what was encoded is decoded again',
    async run(make) {
      const codec = make()
      const message = {
        type: 'ping',
        text: 'ä €  😀 "quoted"\n',
        list: [1, -0.5, null, true],
        nested: { deep: {} },
      }
      const decoded = codec.decode(codec.encode(message))
      holds(decoded.ok, 'the frame was refused', decoded)
      if (decoded.ok) same(decoded.value, message, 'the value')
    },
  },
  {
    name: 'bad frames are answered as a value, never by throwing',
    async run(make) {
      const codec = make()
      for (const frame of HOSTILE) {
        const decoded = codec.decode(frame)
        holds(typeof decoded.ok === 'boolean', 'no answer', frame.slice(0, 40))
      }
    },
  },
  {
    name: 'no key named __proto__ comes through',
    async run(make) {
      const codec = make()
      const decoded = codec.decode('{"type":"ping","payload":{"__proto__":{"admin":true}}}')
      const text = decoded.ok ? JSON.stringify(decoded.value) : ''
      holds(!text.includes('admin'), 'the key came through', text)
    },
  },
  {
    name: 'encoding the same message twice gives the same frame',
    async run(make) {
      const codec = make()
      same(codec.encode({ b: 1, a: [2] }), codec.encode({ b: 1, a: [2] }), 'the frame')
    },
  },
]
