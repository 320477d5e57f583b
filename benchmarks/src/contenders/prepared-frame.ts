import { createServer } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { Contender } from './contender.ts'
import { itemMessage } from './item.ts'
import { listenOnFreePort } from './listen-on-free-port.ts'

/**
 * The floor for a Node server on `ws`: each frame is built once, and what one socket gets in a tick is one write to its
 * TCP socket. No channels, no policies, no queues.
 */
export async function startPreparedFrame(): Promise<Contender> {
  const http = createServer()
  const server = new WebSocketServer({ noServer: true })
  const sockets = new Set<Duplex>()
  http.on('upgrade', (request, socket, head) => {
    server.handleUpgrade(request, socket, head, () => sockets.add(socket))
  })
  const port = await listenOnFreePort(http)
  let n = 0
  return {
    port,
    publish: (count) => {
      const frames = Array.from({ length: count }, () => textFrame(JSON.stringify(itemMessage(++n))))
      const gathered = Buffer.concat(frames)
      for (const socket of sockets) socket.write(gathered)
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      http.closeAllConnections()
    },
  }
}

/** A message as the bytes of one WebSocket frame. */
export function textFrame(text: string): Buffer {
  const payload = Buffer.from(text)
  const isLong = payload.length > 125
  const head = Buffer.alloc(isLong ? 4 : 2)
  head.writeUInt8(0x81, 0)
  head.writeUInt8(isLong ? 126 : payload.length, 1)
  if (isLong) head.writeUInt16BE(payload.length, 2)
  return Buffer.concat([head, payload])
}
