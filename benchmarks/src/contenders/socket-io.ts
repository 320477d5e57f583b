import { createServer } from 'node:http'
import { Server } from 'socket.io'
import type { Contender } from './contender.ts'
import { itemMessage } from './item.ts'
import { listenOnFreePort } from './listen-on-free-port.ts'

/** A Socket.IO room with every client in it; WebSocket transport alone, no heartbeat within a run. */
export async function startSocketIo(): Promise<Contender> {
  const http = createServer()
  const io = new Server(http, { transports: ['websocket'], serveClient: false, pingInterval: 600_000 })
  io.on('connection', (socket) => void socket.join('entity:Item'))
  const port = await listenOnFreePort(http)
  let n = 0
  return {
    port,
    publish: (count) => {
      for (let change = 0; change < count; change++)
        io.to('entity:Item').emit('entity:updated', itemMessage(++n))
    },
    close: async () => {
      io.disconnectSockets(true)
      await io.close()
    },
  }
}
