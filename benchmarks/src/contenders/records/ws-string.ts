import type { WebSocket } from 'ws'
import { recordOfChange } from '../../fan-out/record-spread.ts'
import type { Contender } from '../contender.ts'
import { recordMessage } from '../item.ts'
import { serveStrings } from '../ws-string.ts'
import { createListeners } from './listeners.ts'

/** `ws` and a map from record to sockets: a change is serialised once and `send(string)` to each of its listeners. */
export function startWsStringRecords(): Promise<Contender> {
  return serveStrings((server) => {
    const listeners = createListeners<WebSocket>()
    server.on('connection', (socket, request) => listeners.add(request.url, socket))
    return (n) => {
      const id = recordOfChange(n)
      return { message: recordMessage(n, id), sockets: listeners.of(id) }
    }
  })
}
