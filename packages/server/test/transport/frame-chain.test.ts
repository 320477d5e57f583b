import fc from 'fast-check'
import { expect, test } from 'vitest'
import { frameOf } from '../../src/connection/frame.ts'
import { appendFrame, bufferOf, type FrameChain, startChain } from '../../src/transport/frame-chain.ts'
import { prepareFrame } from '../../src/transport/prepare-frame.ts'
import { createTickFlush, type Gathering } from '../../src/transport/tick-flush.ts'

test.each([0, 1, 125, 126, 65_535, 65_536, 70_000])(
  'a frame of %i bytes has the header that belongs to it',
  (length) => {
    const wire = prepareFrame(frameOf('x'.repeat(length)))
    expect(wire[0]).toBe(0x81)
    const header = length < 126 ? 2 : length < 65_536 ? 4 : 10
    expect(wire.length).toBe(header + length)
    const said =
      header === 2 ? wire[1] : header === 4 ? wire.readUInt16BE(2) : Number(wire.readBigUInt64BE(2))
    expect(said).toBe(length)
  },
)

test('a frame is prepared once, text beyond ASCII with its bytes', () => {
  const frame = frameOf('"é€😀"')
  expect(prepareFrame(frame)).toBe(prepareFrame(frame))
  expect(prepareFrame(frame).subarray(2).toString()).toBe('"é€😀"')
})

test('sockets that got the same share one buffer, whatever else others got', () => {
  const frames = ['a', 'b', 'c'].map(frameOf)
  const sequence = fc.array(fc.constantFrom(...frames), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(fc.array(sequence, { minLength: 1, maxLength: 20 }), (sequences) => {
      const start = startChain()
      const buffers = new Map<string, Buffer>()
      for (const wanted of sequences) {
        const chain = wanted.reduce<FrameChain>(appendFrame, start)
        const buffer = bufferOf(chain)
        const name = wanted.map(({ text }) => text).join('')
        expect(buffer.equals(Buffer.concat(wanted.map(prepareFrame)))).toBe(true)
        expect(chain.bytes).toBe(buffer.length)
        expect(buffers.get(name) ?? buffer).toBe(buffer)
        buffers.set(name, buffer)
      }
    }),
  )
})

function sink(): Gathering & { writes: Buffer[] } {
  const writes: Buffer[] = []
  return {
    chain: null,
    untaken: 0,
    bufferedBytes: 0,
    writes,
    write: (buffer) => void writes.push(buffer),
  }
}

const endOfTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('what one tick says to many sockets is one write each, of one shared buffer', async () => {
  const flush = createTickFlush()
  const sockets = Array.from({ length: 50 }, sink)
  const frames = Array.from({ length: 16 }, (_, index) => frameOf(`{"n":${index}}`))
  for (const frame of frames) {
    for (const socket of sockets) flush.add(socket, frame)
    // What promises that are due say belongs to the same tick.
    await Promise.resolve()
  }
  expect(sockets[0]?.writes).toEqual([])
  await endOfTick()
  expect(sockets.every(({ writes }) => writes.length === 1)).toBe(true)
  expect(new Set(sockets.map(({ writes }) => writes[0])).size).toBe(1)
  expect(sockets[0]?.writes[0]?.equals(Buffer.concat(frames.map(prepareFrame)))).toBe(true)
})

test('a lone message leaves before any timer or input', async () => {
  const flush = createTickFlush()
  const socket = sink()
  const order: string[] = []
  setTimeout(() => order.push('timer'), 0)
  setImmediate(() => order.push(`immediate after ${socket.writes.length} writes`))
  flush.add(socket, frameOf('x'))
  await endOfTick()
  expect(order[0]).toMatch(/1 writes|timer/)
  expect(socket.writes).toHaveLength(1)
})

test('much at once is not gathered without bound', () => {
  const flush = createTickFlush()
  const socket = sink()
  for (let count = 0; count < 10; count++) flush.add(socket, frameOf('x'.repeat(100_000)))
  expect(socket.writes.length).toBe(3)
})

test('a socket that is flushed early keeps its order and loses nothing', async () => {
  const flush = createTickFlush()
  const socket = sink()
  flush.add(socket, frameOf('a'))
  flush.flush(socket)
  flush.flush(socket)
  flush.add(socket, frameOf('b'))
  await endOfTick()
  expect(Buffer.concat(socket.writes).toString()).toBe('\x81\x01a\x81\x01b'.replaceAll('\x81', '\ufffd'))
})
