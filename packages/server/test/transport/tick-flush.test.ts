import { expect, test } from 'vitest'
import { frameOf } from '../../src/connection/frame.ts'
import { prepareFrame } from '../../src/transport/prepare-frame.ts'
import { createTickFlush, type Gathering } from '../../src/transport/tick-flush.ts'

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
