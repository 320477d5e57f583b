import { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { expect, test } from 'vitest'
import { frameOf } from '../../src/connection/frame.ts'
import { prepareFrame } from '../../src/transport/prepare-frame.ts'
import { createTickFlush } from '../../src/transport/tick-flush.ts'
import { createWsSocket } from '../../src/transport/ws-socket.ts'

const endOfTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('what the system has not taken counts as buffered, also while a tick gathers more', async () => {
  // A peer that reads nothing: the write never comes to its end.
  const tcp = new Duplex({ read: () => {}, write: () => {} })
  const socket = createWsSocket({ readyState: 1 } as WebSocket, tcp, createTickFlush())
  const frame = frameOf('{"type":"pong"}')
  const { length } = prepareFrame(frame)

  socket.send(frame)
  socket.send(frame)
  expect(socket.bufferedBytes).toBe(2 * length)
  await endOfTick()
  expect(socket.bufferedBytes).toBe(2 * length)

  socket.send(frame)
  expect(socket.bufferedBytes).toBe(3 * length)
  socket.send(frame)
  expect(socket.bufferedBytes).toBe(4 * length)
  await endOfTick()
  expect(socket.bufferedBytes).toBe(4 * length)
})
