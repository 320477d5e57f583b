import type { IncomingMessage, ServerResponse } from 'node:http'
import { limitTheRest } from './node-response.ts'

/** What frameworks put on the request. */
interface Framed {
  /** Express and Connect cut the path under which a listener is mounted off `url`. */
  readonly originalUrl?: unknown
  readonly body?: unknown
}

/** Node's request as a `Request`; `null` when its URL or method cannot be one. Its body ends with the answer. */
export function requestOf(
  incoming: IncomingMessage & Framed,
  outgoing: ServerResponse,
  signal: AbortSignal,
): Request | null {
  const target = typeof incoming.originalUrl === 'string' ? incoming.originalUrl : (incoming.url ?? '/')
  const method = incoming.method ?? 'GET'
  // The host is the client's to choose and nobody's to trust, so it has no part in this.
  if (!target.startsWith('/') || !URL.canParse(`http://localhost${target}`)) return null
  const hasNone = method === 'GET' || method === 'HEAD'
  if (hasNone) limitTheRest(incoming)
  const body = hasNone ? null : bodyOf(incoming, outgoing)
  try {
    return new Request(`http://localhost${target}`, {
      method,
      headers: headersOf(incoming),
      signal,
      ...(body === null ? {} : { body, duplex: 'half' }),
    })
  } catch {
    return null // TRACE, CONNECT, TRACK; header values that fetch refuses
  }
}

function headersOf({ headersDistinct }: IncomingMessage): Headers {
  const headers = new Headers()
  for (const [name, values] of Object.entries(headersDistinct)) {
    if (name.startsWith(':')) continue
    for (const value of values ?? []) headers.append(name, value)
  }
  return headers
}

function bodyOf(
  incoming: IncomingMessage & Framed,
  outgoing: ServerResponse,
): ReadableStream<Uint8Array> | string | Uint8Array<ArrayBuffer> {
  if (incoming.readableDidRead && incoming.body !== undefined) return parsedBody(incoming.body)
  return streamOf(incoming, outgoing)
}

/** A body parser was there first: its result is all that is left. */
function parsedBody(body: unknown): string | Uint8Array<ArrayBuffer> {
  if (typeof body === 'string') return body
  return body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body)
}

// Not `Readable.toWeb`: cancelling that destroys the socket, and the answer 413 could not be sent any more.
function streamOf(incoming: IncomingMessage, outgoing: ServerResponse): ReadableStream<Uint8Array> {
  let stop = (): void => {}
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const onData = (chunk: Uint8Array): void => {
          controller.enqueue(chunk)
          incoming.pause()
        }
        const onEnd = (): void => {
          stop()
          controller.close()
        }
        const breakOff = (why: string): void => {
          stop()
          controller.error(new Error(why))
        }
        const onLost = (): void => breakOff('The request was aborted.')
        // The rest is node-response.ts's to throw away: pausing it here would hold up the next request of the connection.
        const onAnswered = (): void => {
          if (!incoming.complete) breakOff('The request was answered before its body had come.')
        }
        stop = () => {
          incoming.off('data', onData).off('end', onEnd).off('error', onLost).off('close', onLost)
          outgoing.off('finish', onAnswered)
        }
        incoming.on('data', onData).on('end', onEnd).on('error', onLost).on('close', onLost)
        outgoing.on('finish', onAnswered)
        incoming.pause()
        if (incoming.readableEnded) onEnd()
        else if (incoming.destroyed) onLost()
      },
      pull() {
        incoming.resume()
      },
      cancel() {
        stop()
      },
    },
    { highWaterMark: 0 },
  )
}
