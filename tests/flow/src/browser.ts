import { createRealtimeClient, type RealtimeClientOptions } from '@dnr/client'
import { createOptimisticManager } from '@dnr/optimistic'
import { WebSocket } from 'ws'
import type { Entities } from './task.ts'

/** A browser of the test: a client over a real socket that the test can cut, and its optimistic overlay. */
export function openBrowser(url: string, token: string | null, options: Partial<RealtimeClientOptions> = {}) {
  const sockets: WebSocket[] = []
  const client = createRealtimeClient<Entities>({
    url,
    getToken: () => token,
    backoffBaseMs: 20,
    backoffMaxMs: 100,
    lingerMs: 0,
    createSocket: (address, protocols) => {
      const socket = new WebSocket(address, protocols)
      sockets.push(socket)
      return socket
    },
    ...options,
  })
  return {
    client,
    optimistic: createOptimisticManager({ transport: client }),
    /** The connection breaks without a close frame. */
    cut: () => sockets.at(-1)?.terminate(),
    get connections() {
      return sockets.length
    },
    [Symbol.dispose]: () => client.close(),
  }
}
