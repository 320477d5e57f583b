import { createServer } from 'node:http'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Contender } from './contender.ts'
import { itemMessage } from './item.ts'
import { listenOnFreePort } from './listen-on-free-port.ts'

/** The `n`th change, and who is told of it. */
export interface Told {
  readonly message: object
  readonly sockets: Iterable<WebSocket>
}

/** The yardstick: `ws`, the message serialised once, `send(string)` to every client. No channels, no policies. */
export function startWsString(): Promise<Contender> {
  return serveStrings((sockets) => (n) => ({ message: itemMessage(n), sockets: sockets.clients }))
}

/** The same to whomever `audienceOf` names. */
export async function serveStrings(
  audienceOf: (sockets: WebSocketServer) => (n: number) => Told,
): Promise<Contender> {
  const http = createServer()
  const server = new WebSocketServer({ server: http })
  const toldOf = audienceOf(server)
  const port = await listenOnFreePort(http)
  let n = 0
  return {
    port,
    publish: (count) => {
      for (let change = 0; change < count; change++) {
        const { message, sockets } = toldOf(++n)
        const text = JSON.stringify(message)
        for (const socket of sockets) socket.send(text)
      }
    },
    close: async () => {
      for (const socket of server.clients) socket.terminate()
      server.close()
      http.closeAllConnections()
    },
  }
}
