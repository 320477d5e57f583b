import { once } from 'node:events'
import { WebSocket } from 'ws'

/** A client that knows nothing of DNR: it sends what it is told and keeps every frame. */
export async function openPlainClient(url: string) {
  const socket = new WebSocket(url)
  const frames: Record<string, unknown>[] = []
  const waiting: ((frame: Record<string, unknown>) => void)[] = []
  socket.on('message', (data) => {
    const frame = JSON.parse((data as Buffer).toString()) as Record<string, unknown>
    const taker = waiting.shift()
    if (taker === undefined) frames.push(frame)
    else taker(frame)
  })
  await once(socket, 'open')
  const next = (): Promise<Record<string, unknown>> => {
    const frame = frames.shift()
    return frame === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(frame)
  }
  return {
    send: (frame: object | string) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)),
    /** The next frame, in order. */
    next,
    /** The next frame of a type; those before it are taken, too. */
    async until(type: string): Promise<Record<string, unknown>> {
      for (;;) {
        const frame = await next()
        if (frame['type'] === type) return frame
      }
    },
    /** Frames that nobody has taken. */
    untaken: () => frames,
    close: () => socket.close(1000),
    [Symbol.dispose]: () => socket.terminate(),
  }
}
