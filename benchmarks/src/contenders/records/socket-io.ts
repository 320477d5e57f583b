import { createServer } from 'node:http'
import { Server } from 'socket.io'
import { recordOfChange, recordsOf } from '../../fan-out/record-spread.ts'
import type { Contender } from '../contender.ts'
import { recordMessage } from '../item.ts'
import { listenOnFreePort } from '../listen-on-free-port.ts'

/** A Socket.IO room for each record; WebSocket transport alone, no heartbeat within a run. */
export async function startSocketIoRecords(): Promise<Contender> {
  const http = createServer()
  const io = new Server(http, { transports: ['websocket'], serveClient: false, pingInterval: 600_000 })
  io.on('connection', (socket) => {
    void socket.join(recordsOf(Number(socket.handshake.query['client'])).map(roomOf))
  })
  const port = await listenOnFreePort(http)
  let n = 0
  return {
    port,
    publish: (count) => {
      for (let change = 0; change < count; change++) {
        const id = recordOfChange(++n)
        io.to(roomOf(id)).emit('entity:updated', recordMessage(n, id))
      }
    },
    close: async () => {
      io.disconnectSockets(true)
      await io.close()
    },
  }
}

function roomOf(id: string): string {
  return `record:${id}`
}
