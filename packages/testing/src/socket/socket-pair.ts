// A connection in memory: a server's socket and a browser's WebSocket, and the ways in which a network fails between
// them. Holds the two directions; knows nothing of what is said over them.
import type { Clock } from '@dnr/protocol'
import { type ClientEnd, createClientEnd } from './client-end.ts'
import { type OneWayWire, createOneWayWire } from './one-way-wire.ts'
import { type ServerEnd, createServerEnd } from './server-end.ts'

/** Which way a fault works. */
export type Direction = 'to-client' | 'to-server' | 'both'

export interface SocketPairOptions {
  /** Ends a close that the other side does not answer, after `closeTimeoutMs`. @default no such end */
  readonly clock?: Clock
  /** How long a side waits for the answer to its close before it gives up with 1006. @default 30_000 */
  readonly closeTimeoutMs?: number
  /** The subprotocol that the client sees. @default 'dnr.v1' */
  readonly protocol?: string
  /** `false`: the client stays connecting until `open()` or `refuse()`. @default true: it opens in a microtask */
  readonly opens?: boolean
  /** Milliseconds that a packet is under way, asked once for each; needs `clock`. Packets keep their order. @default 0: a microtask */
  readonly latencyMs?: () => number
  /** Bytes in each direction that the system takes: what is under way beyond them counts as buffered. @default 0 */
  readonly windowBytes?: number
}

/** Two ends and the faults between them. Undoing or repeating a fault is harmless. */
export interface SocketPair {
  readonly server: ServerEnd
  readonly client: ClientEnd
  /** Completes the handshake, when `opens` is `false`. */
  open(): void
  /** The handshake fails: the client sees `error` and close 1006, the server never had a socket. */
  refuse(): void
  /** The connection breaks: both see 1006, what was under way is lost. */
  cut(): void
  /** Nothing is delivered until `resume()`; what is sent meanwhile is kept and counts as buffered. */
  stall(direction?: Direction): void
  resume(direction?: Direction): void
  /** Half-open, for good: nothing arrives any more and no side is told. */
  blackhole(direction?: Direction): void
  /** The last `count` packets under way to the client never arrive, though the server's system took them; nor does what follows. */
  loseTail(count: number): void
  /** The client sees 1006 and may come back; the server goes on with this connection as if nothing had happened. */
  leaveZombie(): void
  /** The server's process is gone: its end hears and says nothing any more, the client sees 1006. */
  killServer(): void
}

/**
 * Makes a connection in memory. Frames arrive in order, each in a microtask of its own, so that nothing depends on
 * the speed of the machine. The client answers pings by itself, as browsers do.
 *
 * @example
 * const pair = createSocketPair()
 * pair.server.attach(webSocketManager.connect(pair.server, handshake))
 * const client = createRealtimeClient({ url, createSocket: () => pair.client })
 * pair.cut()
 */
export function createSocketPair(options: SocketPairOptions = {}): SocketPair {
  const { clock, closeTimeoutMs = 30_000, protocol = 'dnr.v1', opens = true, windowBytes = 0 } = options
  const { latencyMs } = options
  const timing = clock === undefined || latencyMs === undefined ? undefined : { clock, latencyMs }
  const toClient: OneWayWire = createOneWayWire((packet) => client.receive(packet), timing)
  const toServer: OneWayWire = createOneWayWire((packet) => server.receive(packet), timing)
  const server = createServerEnd({ toClient, clock, closeTimeoutMs, windowBytes })
  const client = createClientEnd({ toServer, clock, closeTimeoutMs, windowBytes, protocol })
  const open = (): void => toClient.push({ kind: 'opened' })
  const towards = (direction: Direction): OneWayWire[] =>
    direction === 'both' ? [toClient, toServer] : [direction === 'to-client' ? toClient : toServer]

  if (opens) open()
  return {
    server,
    client,
    open,
    refuse: () => toClient.lose(),
    cut() {
      toClient.lose()
      toServer.lose()
    },
    stall: (direction = 'both') => towards(direction).forEach((wire) => wire.stall()),
    resume: (direction = 'both') => towards(direction).forEach((wire) => wire.resume()),
    blackhole: (direction = 'both') => towards(direction).forEach((wire) => wire.swallow()),
    loseTail: (count) => toClient.loseTail(count),
    leaveZombie() {
      toClient.lose()
      toServer.swallow()
    },
    killServer() {
      server.vanish()
      toClient.lose()
    },
  }
}
