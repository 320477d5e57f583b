import { createServer } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { recordOfChange } from '../../fan-out/record-spread.ts'
import type { Contender } from '../contender.ts'
import { recordMessage } from '../item.ts'
import { listenOnFreePort } from '../listen-on-free-port.ts'
import { textFrame } from '../prepared-frame.ts'
import { createListeners } from './listeners.ts'

/** The floor: a map from record to sockets, each frame built once, what a socket gets in a tick is one write. */
export async function startPreparedFrameRecords(): Promise<Contender> {
  const http = createServer()
  const server = new WebSocketServer({ noServer: true })
  const listeners = createListeners<Duplex>()
  http.on('upgrade', (request, socket, head) => {
    server.handleUpgrade(request, socket, head, () => listeners.add(request.url, socket))
  })
  const port = await listenOnFreePort(http)
  let n = 0
  return {
    port,
    publish: (count) => {
      const framesBySocket = new Map<Duplex, Buffer[]>()
      for (let change = 0; change < count; change++) {
        const id = recordOfChange(++n)
        const frame = textFrame(JSON.stringify(recordMessage(n, id)))
        for (const socket of listeners.of(id)) {
          const frames = framesBySocket.get(socket)
          if (frames === undefined) framesBySocket.set(socket, [frame])
          else frames.push(frame)
        }
      }
      for (const [socket, frames] of framesBySocket)
        socket.write(frames.length === 1 ? frames[0] : Buffer.concat(frames))
    },
    close: async () => {
      for (const client of server.clients) client.terminate()
      http.closeAllConnections()
    },
  }
}
