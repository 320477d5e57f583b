/**
 * The part of a browser's `WebSocket` that the client uses; the one of Node 22 and of `ws` fit too.
 *
 * The client assigns the four handlers, calls `send` only while `readyState` is 1, and `close` at most once.
 */
export interface SocketLike {
  readonly readyState: number
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  send(text: string): void
  close(code?: number): void
}

/** Makes a socket that begins to connect at once. `protocols` holds `dnr.v1` and, with a token, `bearer.TOKEN`. */
export type SocketFactory = (url: string, protocols: string[]) => SocketLike
