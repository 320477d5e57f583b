import { createServer } from 'node:http'
import { Server } from 'socket.io'
import type { Contender } from './contender.ts'
import { itemMessage } from './item.ts'
import { listenOnFreePort } from './listen-on-free-port.ts'

/** Who is in which room, and in which one the `n`th change is told. */
export interface Rooms {
  /** `client` is the number that it names in its URL, if any. */
  roomsOf(client: number): string[]
  toldOf(n: number): { readonly room: string; readonly message: object }
}

/** A Socket.IO room with every client in it. */
export function startSocketIo(): Promise<Contender> {
  const room = 'entity:Item'
  return serveRooms({ roomsOf: () => [room], toldOf: (n) => ({ room, message: itemMessage(n) }) })
}

/** WebSocket transport alone, no heartbeat within a run. */
export async function serveRooms({ roomsOf, toldOf }: Rooms): Promise<Contender> {
  const http = createServer()
  const io = new Server(http, { transports: ['websocket'], serveClient: false, pingInterval: 600_000 })
  io.on('connection', (socket) => void socket.join(roomsOf(Number(socket.handshake.query['client']))))
  const port = await listenOnFreePort(http)
  let n = 0
  return {
    port,
    publish: (count) => {
      for (let change = 0; change < count; change++) {
        const { room, message } = toldOf(++n)
        io.to(room).emit('entity:updated', message)
      }
    },
    close: async () => {
      io.disconnectSockets(true)
      await io.close()
    },
  }
}
