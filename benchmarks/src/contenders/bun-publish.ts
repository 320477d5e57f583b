import type { Contender } from './contender.ts'
import { itemMessage } from './item.ts'

/** As much of Bun's server as is used here: https://bun.com/docs/runtime/http/websockets. */
declare const Bun: {
  serve(options: {
    readonly port: number
    readonly hostname: string
    fetch(request: Request, server: { upgrade(request: Request): boolean }): Response | undefined
    readonly websocket: { open(socket: { subscribe(topic: string): void }): void; message(): void }
  }): {
    readonly port: number
    publish(topic: string, text: string): void
    stop(force: boolean): Promise<void>
  }
}

const TOPIC = 'items'

/** A server in native code, built on µWebSockets: the message serialised once, `publish` to a topic. */
export async function startBunPublish(): Promise<Contender> {
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: (request, self) => (self.upgrade(request) ? undefined : new Response(null, { status: 400 })),
    websocket: { open: (socket) => socket.subscribe(TOPIC), message: () => {} },
  })
  let n = 0
  return {
    port: server.port,
    publish: (count) => {
      for (let change = 0; change < count; change++) server.publish(TOPIC, JSON.stringify(itemMessage(++n)))
    },
    close: () => server.stop(true),
  }
}
