// How the load tells a server that a tick's messages have arrived: a byte on a connection of their own. The parent, asked in
// between, would cost the server more than many a tick does.
import { connect, createServer } from 'node:net'
import { listenOnFreePort } from '../contenders/listen-on-free-port.ts'

/** The server's side. */
export interface Arrivals {
  readonly port: number
  /** Resolves with the next tick that has arrived and was not waited for yet. */
  next(): Promise<void>
  close(): void
}

export async function listenForArrivals(): Promise<Arrivals> {
  let arrived = 0
  let waiting: (() => void) | null = null
  const server = createServer((socket) =>
    socket.on('data', (bytes) => {
      arrived += bytes.length
      waiting?.()
    }),
  )
  server.unref()
  const port = await listenOnFreePort(server)
  return {
    port,
    next: () =>
      new Promise((resolve) => {
        const look = (): void => {
          if (arrived === 0) return
          arrived--
          waiting = null
          resolve()
        }
        waiting = look
        look()
      }),
    close: () => void server.close(),
  }
}

/** The load's side; the function tells that a tick has arrived. */
export function connectArrivals(port: number): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.on('error', reject)
    socket.on('connect', () => resolve(() => void socket.write('.')))
  })
}
