import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import type { Contender } from './contender.ts'
import { itemMessage } from './item.ts'
import { listenOnFreePort } from './listen-on-free-port.ts'

/** The yardstick: `ws`, the message serialised once, `send(string)` to every client. No channels, no policies. */
export async function startWsString(): Promise<Contender> {
  const http = createServer()
  const sockets = new WebSocketServer({ server: http })
  const port = await listenOnFreePort(http)
  let n = 0
  return {
    port,
    publish: (count) => {
      for (let change = 0; change < count; change++) {
        const text = JSON.stringify(itemMessage(++n))
        for (const socket of sockets.clients) socket.send(text)
      }
    },
    close: async () => {
      for (const socket of sockets.clients) socket.terminate()
      sockets.close()
      http.closeAllConnections()
    },
  }
}
