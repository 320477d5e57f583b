// A `ws` socket as the server's ServerSocket. `ws` keeps the handshake, receiving, pings and the close; data frames go
// straight to the TCP socket, as bytes prepared once for all receivers.
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Frame, FrameRun, ServerSocket, SocketEvents } from '../ports/server-socket.ts'
import { prepareRun } from './prepare-frame.ts'
import type { Gathering, Part, TickFlush } from './tick-flush.ts'

const NORMAL_OPEN = 1
/** Longer runs are not put together with what else the socket gets in the tick: they would be copied. */
const MAX_GATHERED_RUN_BYTES = 16_384

interface WsSocket extends ServerSocket, Gathering {
  readonly ws: WebSocket
  readonly tcp: Duplex
  readonly flush: TickFlush
  events: SocketEvents | null
  /** What `takenOf` said at the last ping, if something waited then. */
  takenAtPing: number | null
}

// Found on the `ws` socket by its listeners, which all sockets share: a connection costs no closure.
const kSocket = Symbol('dnr.socket')
type Marked = WebSocket & { [kSocket]?: WsSocket }

const methods = {
  send(this: WsSocket, frame: Frame): void {
    gather(this, frame)
  },
  sendRun(this: WsSocket, run: FrameRun): void {
    if (run.byteLength <= MAX_GATHERED_RUN_BYTES) return gather(this, run)
    this.flush.flush(this)
    this.write(prepareRun(run))
  },
  write(this: WsSocket, buffer: Buffer): void {
    // After a close frame nothing may follow, and a socket that is gone takes nothing.
    if (this.ws.readyState === NORMAL_OPEN && this.tcp.writable) this.tcp.write(buffer)
  },
  close(this: WsSocket, code: number, reason: string): void {
    this.flush.flush(this)
    this.ws.close(code, reason)
  },
  terminate(this: WsSocket): void {
    this.ws.terminate()
  },
  ping(this: WsSocket): void {
    if (this.ws.readyState !== NORMAL_OPEN) return
    const taken = takenOf(this.tcp)
    // Pongs wait behind all that waits. Until then, that a peer takes of it is its answer.
    if (this.takenAtPing !== null && taken !== this.takenAtPing) this.events?.pong()
    this.takenAtPing = this.tcp.writableLength > 0 ? taken : null
    this.ws.ping()
  },
  get bufferedBytes(): number {
    const { tcp, chain, untaken } = this as unknown as WsSocket
    return chain === null ? tcp.writableLength : untaken + chain.bytes
  },
  get taken(): number | null {
    return takenOf((this as unknown as WsSocket).tcp)
  },
}

/** Node's own, which it looks at for time-outs. Where there is none, a write counts as taken when all of it is. */
interface Handle {
  readonly writeQueueSize?: number
  /** Of a TLS socket: the TCP socket below. What is encrypted already stays queued above until all of it is taken. */
  readonly _parent?: Handle
}

interface TcpSocket extends Duplex {
  readonly bytesWritten?: number
  readonly _handle?: Handle | null
}

/** Another number whenever the system has taken more, be it a part of a long write; `null`: it is not told. */
function takenOf({ bytesWritten, writableLength, _handle }: TcpSocket): number | null {
  if (bytesWritten === undefined) return null
  const handle = _handle?._parent ?? _handle
  return bytesWritten - writableLength - (handle?.writeQueueSize ?? 0)
}

function gather(socket: WsSocket, part: Part): void {
  // Where something is gathered already, `write` looks.
  if (socket.chain !== null || socket.ws.readyState === NORMAL_OPEN) socket.flush.add(socket, part)
}

/** Wraps an accepted socket. `listen` begins the events; frames that came before are delivered then. */
export function createWsSocket(ws: WebSocket, tcp: Duplex, flush: TickFlush): ServerSocket {
  // The methods stand once, behind all sockets, not on each.
  const own = { __proto__: methods, ws, tcp, flush, chain: null, untaken: 0, events: null, takenAtPing: null }
  const socket = own as unknown as WsSocket
  ;(ws as Marked)[kSocket] = socket
  return socket
}

export function listen(socket: ServerSocket, events: SocketEvents): void {
  const own = socket as WsSocket
  own.events = events
  own.ws.on('message', onMessage)
  own.ws.on('pong', onPong)
  own.ws.on('close', onClose)
  own.ws.on('error', onError)
}

function onMessage(this: WebSocket, data: unknown, isBinary: boolean): void {
  const events = (this as Marked)[kSocket]?.events
  if (isBinary) events?.binary()
  else events?.message((data as Buffer).toString('utf8'))
}

function onPong(this: WebSocket): void {
  ;(this as Marked)[kSocket]?.events?.pong()
}

function onClose(this: WebSocket, code: number, reason: Buffer): void {
  ;(this as Marked)[kSocket]?.events?.closed(code, reason.toString('utf8'))
}

// `ws` closes by itself after an error, with the code that belongs to it; without a listener it would end the process.
function onError(): void {}
