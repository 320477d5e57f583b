import { createServer } from 'node:http'
import { type WebSocket, WebSocketServer } from 'ws'
import { recordOfChange } from '../../fan-out/record-spread.ts'
import type { Contender } from '../contender.ts'
import { recordMessage } from '../item.ts'
import { listenOnFreePort } from '../listen-on-free-port.ts'
import { createListeners } from './listeners.ts'

/** `ws` and a map from record to sockets: a change is serialised once and `send(string)` to each of its listeners. */
export async function startWsStringRecords(): Promise<Contender> {
  const http = createServer()
  const sockets = new WebSocketServer({ server: http })
  const listeners = createListeners<WebSocket>()
  sockets.on('connection', (socket, request) => listeners.add(request.url, socket))
  const port = await listenOnFreePort(http)
  let n = 0
  return {
    port,
    publish: (count) => {
      for (let change = 0; change < count; change++) {
        const id = recordOfChange(++n)
        const text = JSON.stringify(recordMessage(n, id))
        for (const socket of listeners.of(id)) socket.send(text)
      }
    },
    close: async () => {
      for (const socket of sockets.clients) socket.terminate()
      sockets.close()
      http.closeAllConnections()
    },
  }
}
