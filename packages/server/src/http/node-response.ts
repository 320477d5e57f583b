import type { IncomingMessage, ServerResponse } from 'node:http'

/** Bytes of a body that nobody wants, which are still read so that its sender gets to read the answer. */
const MAX_UNWANTED_BYTES = 1_048_576

/** Writes a `Response`. Resolves when everything is handed over, or the client is gone. */
export async function writeNodeResponse(
  response: Response,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  if (outgoing.destroyed) {
    await response.body?.cancel()
    return
  }
  outgoing.once('finish', () => limitTheRest(incoming))
  outgoing.statusCode = response.status
  for (const [name, value] of response.headers) if (name !== 'set-cookie') outgoing.setHeader(name, value)
  const cookies = response.headers.getSetCookie()
  if (cookies.length > 0) outgoing.setHeader('set-cookie', cookies)
  for await (const chunk of response.body ?? []) {
    if (outgoing.destroyed) return
    if (!outgoing.write(chunk)) await writable(outgoing)
  }
  outgoing.end()
}

function writable(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      outgoing.off('drain', done).off('close', done)
      resolve()
    }
    outgoing.on('drain', done).on('close', done)
  })
}

/** Throws away what comes of a body that nobody wants, and with too much of it the connection. Node by itself reads on whatever comes. */
export function limitTheRest(incoming: IncomingMessage): void {
  if (incoming.complete) return
  let left = MAX_UNWANTED_BYTES
  incoming.on('data', (chunk: Uint8Array) => {
    left -= chunk.byteLength
    if (left < 0) incoming.destroy()
  })
  incoming.resume()
}
