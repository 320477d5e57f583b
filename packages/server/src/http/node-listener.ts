// From Node's `(req, res)` to a handler of `(Request) => Promise<Response>`, for http, Express and Fastify's raw objects.
// Holds nothing between requests. Next: http-handler.ts, or any other such handler.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { DnrError } from '@dnr/protocol'
import { requestOf } from './node-request.ts'
import { writeNodeResponse } from './node-response.ts'
import { problemResponse } from './problem.ts'

/** Answers a request; what it throws becomes a 500 that tells nothing. */
export type FetchHandler = (request: Request, peer: { readonly remoteAddress?: string }) => Promise<Response>

/** A listener for `http.createServer`, `app.use(path, listener)`, or `listener(request.raw, reply.raw)`. Never rejects. */
export type NodeListener = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>

/**
 * Lets a web-standard handler answer the requests of a Node server.
 *
 * The handler's `request.signal` aborts when the client goes away. Bodies are streamed, until the answer is out; one that a
 * framework has parsed before (`request.body`) is handed on. A URL or method that cannot be a `Request` is answered with 400.
 *
 * @example
 * http.createServer(toNodeListener(realtime.http)).listen(3000)
 */
export function toNodeListener(handler: FetchHandler): NodeListener {
  return async (incoming, outgoing) => {
    const response = await ask(handler, incoming, outgoing)
    // Whoever is gone, or whose answer broke off halfway, can be told nothing more.
    await writeNodeResponse(response, incoming, outgoing).catch(() => outgoing.destroy())
  }
}

async function ask(
  handler: FetchHandler,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<Response> {
  const gone = new AbortController()
  const leave = (): void => {
    if (!outgoing.writableFinished) gone.abort()
  }
  // After an asynchronous middleware the client may be gone, and nothing will say so once more.
  if (outgoing.destroyed || incoming.socket.destroyed) leave()
  else outgoing.once('close', leave)
  const { remoteAddress } = incoming.socket
  try {
    const request = requestOf(incoming, outgoing, gone.signal)
    if (request !== null) return await handler(request, remoteAddress === undefined ? {} : { remoteAddress })
    return problemResponse(
      new DnrError('bad_request', 'The URL or the method of the request cannot be used.'),
    )
  } catch (error) {
    return problemResponse(new DnrError('internal', 'The handler failed.', { cause: error }))
  }
}
