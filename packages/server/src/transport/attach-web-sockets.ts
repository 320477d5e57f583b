// Accepts WebSockets on an HTTP server that somebody else owns. Before the 101 only what is synchronous: path, origin,
// caps; who it is is asked afterwards, on the open socket. Next: ws-socket.ts.
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Clock, DnrError, type Logger } from '@dnr/protocol'
import { type ServerOptions, WebSocketServer } from 'ws'
import { afterTick } from '../connection/after-tick.ts'
import type { WebSocketManager } from '../connection/web-socket-manager.ts'
import type { Limits } from '../limits/limits.ts'
import type { Handshake } from '../ports/server-socket.ts'
import { type AllowedOrigins, checkOrigins, judgeOrigin } from './origin.ts'
import {
  readHandshake,
  readTarget,
  selectSubprotocol,
  type Target,
  withoutCookies,
} from './read-handshake.ts'
import { refuseUpgrade } from './refuse-upgrade.ts'
import { createTickFlush } from './tick-flush.ts'
import { createWsSocket, listen } from './ws-socket.ts'

/** The part of a realtime server that a transport uses. */
export interface AttachTarget {
  readonly webSockets: Pick<WebSocketManager, 'connect' | 'admits'>
  readonly limits: Pick<Limits, 'maxFrameBytes'>
  readonly clock: Clock
  readonly logger: Logger
}

/** The part of an `http.Server` or `https.Server` that is used. */
export interface UpgradeSource {
  on(event: 'upgrade', listener: (request: IncomingMessage, socket: Duplex, head: Buffer) => void): unknown
  off(event: 'upgrade', listener: (request: IncomingMessage, socket: Duplex, head: Buffer) => void): unknown
  listenerCount(event: 'upgrade'): number
}

export interface AttachOptions {
  /** The exact path of the WebSocket. @default '/ws' */
  readonly path?: string
  /**
   * Origins of pages that may connect, compared exactly; `'*'` is every page, also with cookies and with the Origin `null`.
   * Cookies count only when the Origin is one of these: a page without, or a request without an Origin, needs a token.
   * @default every page but `null`, cookies only those of the same host
   */
  readonly origins?: AllowedOrigins
  /** Tells the peer's address behind a proxy, for `maxConnectionsPerAddress`. @default the address of the TCP connection */
  readonly addressOf?: (request: IncomingMessage) => string
}

export interface AttachedWebSockets {
  /** Takes one upgrade whatever its path, for hosts that route themselves. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Takes no more upgrades; connections stay. */
  detach(): void
}

interface UpgradeRefusal {
  readonly status: number
  readonly sentence: string
  readonly headers?: Record<string, string>
}

/** How long others have to answer an upgrade of another path. */
const UNANSWERED_MS = 10_000
const MAX_HEADERS = 100
const MAX_LOGGED_ORIGIN = 200
const MAX_FRAGMENTS = 64
const MAX_BUFFERED_CHUNKS = 1_024
const CLOSE_TIMEOUT_MS = 1_000

/**
 * Serves WebSockets at `path` of an HTTP server. Upgrades of other paths are left to other listeners; one that nobody
 * answers gets 404, because its socket would keep the server from closing.
 *
 * @example
 * attachWebSockets(realtime, httpServer, { path: '/ws', origins: ['https://app.example.com'] })
 */
export function attachWebSockets(
  realtime: AttachTarget,
  httpServer: UpgradeSource,
  options: AttachOptions = {},
): AttachedWebSockets {
  const { path = '/ws', origins, addressOf = addressOfSocket } = options
  if (!/^\/[^?#\s]*$/.test(path))
    throw new DnrError('bad_option', `path is "${path}": expected a path such as "/ws".`)
  checkOrigins(origins)
  const { webSockets, limits, clock, logger } = realtime
  const flush = createTickFlush()
  const acceptor = new WebSocketServer(acceptorOptions(limits.maxFrameBytes))

  const accept = (request: IncomingMessage, socket: Duplex, head: Buffer, target: Target): void => {
    const sent = readHandshake(request, target, addressOf(request))
    const verdict = judgeOrigin(request.headers, sent.token !== null, origins)
    const refusal = verdict === 'no' ? refuseOrigin(request) : refusalOf(request, sent)
    if (refusal !== null) return refuseUpgrade(socket, refusal.status, refusal.sentence, refusal.headers)
    const handshake = verdict === 'yes' ? sent : withoutCookies(sent)
    // The answer to the upgrade and `connected` leave together when they are said in one tick.
    socket.cork()
    acceptor.handleUpgrade(request, socket, head, (ws) => {
      socket.off('error', ignore)
      const own = createWsSocket(ws, socket, flush)
      listen(own, webSockets.connect(own, handshake))
    })
    afterTick(() => socket.uncork())
  }

  const refuseOrigin = ({ headers }: IncomingMessage): UpgradeRefusal => {
    const origin = headers.origin?.slice(0, MAX_LOGGED_ORIGIN) ?? null
    logger.info('An origin was refused: add it to the option origins if its pages may connect.', { origin })
    return { status: 403, sentence: 'Pages of this origin may not connect.' }
  }

  const refusalOf = (request: IncomingMessage, { remoteAddress }: Handshake): UpgradeRefusal | null => {
    if (request.rawHeaders.length > MAX_HEADERS * 2)
      return { status: 431, sentence: `A request has at most ${MAX_HEADERS} headers.` }
    const admission = webSockets.admits(remoteAddress)
    if (admission === 'yes') return null
    return { status: 503, sentence: `No connection now: ${admission}.`, headers: { 'Retry-After': '5' } }
  }

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    // Before anything else: a reset now must not end the process.
    socket.on('error', ignore)
    const target = readTarget(request.url)
    if (target === null) return refuseUpgrade(socket, 400, 'The request target is malformed.')
    if (target.path === path) return accept(request, socket, head, target)
    if (httpServer.listenerCount('upgrade') === 1)
      return refuseUpgrade(socket, 404, 'There is no WebSocket here.')
    refuseUnlessAnswered(socket)
  }

  /** Others may answer; when nobody has written a byte after a while, or reads, nobody will. */
  const refuseUnlessAnswered = (socket: Duplex & { readonly bytesWritten?: number }): void => {
    // Whoever was asked before us may have accepted it, and written by now: that they did shows in their reading.
    const before = socket.bytesWritten
    const cancel = clock.setTimeout(() => {
      socket.off('close', cancel)
      const isTaken = socket.readableFlowing !== null || socket.bytesWritten !== before
      if (!isTaken && !socket.destroyed) refuseUpgrade(socket, 404, 'There is no WebSocket here.')
    }, UNANSWERED_MS)
    socket.once('close', cancel)
  }

  httpServer.on('upgrade', onUpgrade)
  return {
    handleUpgrade(request, socket, head) {
      socket.on('error', ignore)
      const target = readTarget(request.url)
      if (target === null) return refuseUpgrade(socket, 400, 'The request target is malformed.')
      accept(request, socket, head, target)
    },
    detach: () => void httpServer.off('upgrade', onUpgrade),
  }
}

function acceptorOptions(maxFrameBytes: number): ServerOptions {
  const options: ServerOptions & { closeTimeout: number } = {
    noServer: true,
    clientTracking: false,
    // Compressed, a connection costs five times the CPU and 230 KB, and a small frame may be a large one.
    perMessageDeflate: false,
    maxPayload: Number.isFinite(maxFrameBytes) ? maxFrameBytes : 0,
    maxFragments: MAX_FRAGMENTS,
    maxBufferedChunks: MAX_BUFFERED_CHUNKS,
    closeTimeout: CLOSE_TIMEOUT_MS,
    handleProtocols: selectSubprotocol,
  }
  return options
}

function addressOfSocket(request: IncomingMessage): string {
  return request.socket.remoteAddress ?? ''
}

function ignore(): void {}
