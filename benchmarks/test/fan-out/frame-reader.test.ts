import { expect, test } from 'vitest'
import { clientFrame, createFrameReader } from '../../src/fan-out/frame-reader.ts'

/** A server's frame: no mask. */
function serverFrame(payload: string, opcode = 1): Buffer {
  const bytes = Buffer.from(payload)
  const extended = bytes.length < 126 ? 0 : bytes.length < 65_536 ? 2 : 8
  const head = Buffer.alloc(2 + extended)
  head.writeUInt8(0x80 | opcode, 0)
  head.writeUInt8(extended === 0 ? bytes.length : extended === 2 ? 126 : 127, 1)
  if (extended === 2) head.writeUInt16BE(bytes.length, 2)
  if (extended === 8) head.writeBigUInt64BE(BigInt(bytes.length), 2)
  return Buffer.concat([head, bytes])
}

const payloads = [
  '',
  'a',
  'x'.repeat(125),
  'y'.repeat(126),
  'z'.repeat(400),
  'w'.repeat(70_000),
  '{"type":"entity:updated"}',
]
const stream = Buffer.concat(payloads.map((payload) => serverFrame(payload)))
const heads = payloads.map((payload) => payload.slice(0, 16))

test.each([1, 2, 3, 5, 7, 16, 17, 129, 1_000, 65_536, stream.length])(
  'counts every frame once in chunks of %i bytes',
  (size) => {
    const seen: string[] = []
    const reader = createFrameReader((_opcode, head) => seen.push(head.toString()))
    for (let at = 0; at < stream.length; at += size) reader.read(stream.subarray(at, at + size))
    expect(seen).toEqual(heads)
  },
)

test('tells a ping from a message', () => {
  const opcodes: number[] = []
  createFrameReader((opcode) => opcodes.push(opcode)).read(
    Buffer.concat([serverFrame('', 9), serverFrame('a'), serverFrame('bye', 8)]),
  )
  expect(opcodes).toEqual([9, 1, 8])
})

test('a client frame is masked, and its payload can be read as it is', () => {
  for (const payload of ['ping', 'x'.repeat(300)]) {
    const frame = clientFrame(payload)
    expect(frame.readUInt8(0)).toBe(0x81)
    expect(frame.readUInt8(1) & 0x80).toBe(0x80)
    expect(frame.subarray(frame.length - payload.length).toString()).toBe(payload)
  }
})
