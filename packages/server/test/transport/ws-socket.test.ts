import { EventEmitter } from 'node:events'
import { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { expect, test } from 'vitest'
import { frameOf } from '../../src/connection/frame.ts'
import { prepareFrame } from '../../src/transport/prepare-frame.ts'
import { createTickFlush } from '../../src/transport/tick-flush.ts'
import { createWsSocket, listen } from '../../src/transport/ws-socket.ts'

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

test('a peer whose pong waits behind much else answers a ping by taking some of it, and by nothing less', async () => {
  let takenBytes = 0
  let take = (): void => {}
  const tcp = new Duplex({
    read: () => {},
    write(chunk: Buffer, _encoding, done) {
      take = () => {
        takenBytes += chunk.length
        done()
      }
    },
  })
  Object.defineProperty(tcp, 'bytesWritten', { get: () => takenBytes + tcp.writableLength })
  const ws = Object.assign(new EventEmitter(), { readyState: 1, ping() {} }) as unknown as WebSocket
  const socket = createWsSocket(ws, tcp, createTickFlush())
  let answers = 0
  listen(socket, { message() {}, binary() {}, closed() {}, pong: () => void answers++ })
  const send = async (): Promise<void> => {
    socket.send(frameOf('{"type":"pong"}'))
    await endOfTick()
  }
  const answersOfPing = (): number => {
    answers = 0
    socket.ping()
    return answers
  }

  expect(answersOfPing()).toBe(0)
  await send()
  take()
  // Nothing waited at the last ping: a system takes so much also for a peer that is gone.
  expect(answersOfPing()).toBe(0)
  await send()
  await send()
  expect(answersOfPing()).toBe(0)
  expect(answersOfPing()).toBe(0)
  await send()
  expect(answersOfPing()).toBe(0)
  take()
  expect(answersOfPing()).toBe(1)
  expect(answersOfPing()).toBe(0)
})

test.each([
  ['TCP', (under: object) => under],
  ['TLS', (under: object) => ({ writeQueueSize: 900, _parent: under })],
])('a part of a long write that a peer takes is an answer, too: %s', async (_what, handleOver) => {
  const tcp = new Duplex({ read: () => {}, write: () => {} })
  const under = { writeQueueSize: 900 }
  Object.defineProperty(tcp, 'bytesWritten', { get: () => tcp.writableLength })
  Object.assign(tcp, { _handle: handleOver(under) })
  const ws = Object.assign(new EventEmitter(), { readyState: 1, ping() {} }) as unknown as WebSocket
  const socket = createWsSocket(ws, tcp, createTickFlush())
  let answers = 0
  listen(socket, { message() {}, binary() {}, closed() {}, pong: () => void answers++ })
  socket.send(frameOf(JSON.stringify('x'.repeat(1_000))))
  await endOfTick()
  socket.ping()
  socket.ping()
  expect(answers).toBe(0)
  under.writeQueueSize = 500
  socket.ping()
  expect(answers).toBe(1)
})
