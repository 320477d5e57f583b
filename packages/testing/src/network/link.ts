// One connection of the network: a socket pair with a name and the faults that may befall it.
import { utf8Bytes } from '@dnr/protocol'
import type { ServerEnd, ServerSocketEvents } from '../socket/server-end.ts'
import { createSocketPair, type SocketPair, type SocketPairOptions } from '../socket/socket-pair.ts'

/** What a network does to a connection; see the methods of the same names on {@link Link}. */
export type LinkFault =
  | 'cut'
  | 'stall'
  | 'blackhole'
  | 'blackhole-to-client'
  | 'blackhole-to-server'
  | 'lose-tail'
  | 'zombie'

/** All faults of a connection. */
export const LINK_FAULTS: readonly LinkFault[] = [
  'cut',
  'stall',
  'blackhole',
  'blackhole-to-client',
  'blackhole-to-server',
  'lose-tail',
  'zombie',
]

/** One connection, and what can go wrong with it. */
export interface Link extends Omit<SocketPair, 'open' | 'refuse'> {
  /** `HOST#1`, `HOST#2`, …: unique in its network. */
  readonly name: string
  readonly host: string
  /** Has neither end been told that it is over? */
  readonly isAlive: boolean
  /** Lets a fault happen now. `stall` is over after `forMs`; the others are for good. */
  suffer(fault: LinkFault, forMs?: number): void
}

/** What a network tells of its connections: each frame when the server has sent it, and when it reaches the server. */
export interface LinkWatcher {
  /** The server took the connection of this link. */
  opened?(link: Link): void
  sent?(link: Link, text: string): void
  received?(link: Link, text: string): void
  /** The server was told that it is over. */
  closed?(link: Link, code: number): void
}

export interface LinkParts extends Required<Pick<SocketPairOptions, 'clock' | 'latencyMs'>> {
  readonly host: string
  readonly number: number
  readonly windowBytes: number
  readonly watchers: Iterable<LinkWatcher>
  /** Called for each frame, in either direction, before it is under way. */
  onFrame(link: Link): void
}

/** A link and the ends as the network's users get them. */
export interface NewLink {
  readonly link: Link
  /** Completes the handshake: `accept` takes the server's end. */
  open(accept: (socket: ServerEnd) => ServerSocketEvents): void
  refuse(): void
}

const LOST_FRAMES = 3

export function createLink(parts: LinkParts): NewLink {
  const { clock, latencyMs, host, windowBytes, watchers, onFrame } = parts
  const pair = createSocketPair({ clock, latencyMs, windowBytes, opens: false })
  const { server, client, open, refuse, ...faults } = pair
  let phase: 'connecting' | 'open' | 'over' = 'connecting'

  const send = client.send.bind(client)
  client.send = (data) => {
    onFrame(link)
    send(data)
  }
  const socket: ServerEnd = {
    close: server.close,
    terminate: server.terminate,
    ping: server.ping,
    attach: server.attach,
    get bufferedBytes() {
      return server.bufferedBytes
    },
    get closedWith() {
      return server.closedWith
    },
    send(frame) {
      if (phase !== 'open') return
      // After the call that sends: whoever watches or breaks the link runs when the frame is on its way.
      server.send({ text: frame.text, byteLength: frame.byteLength ?? utf8Bytes(frame.text) })
      for (const watcher of watchers) watcher.sent?.(link, frame.text)
      onFrame(link)
    },
  }
  const link: Link = {
    ...faults,
    name: `${host}#${parts.number}`,
    host,
    server: socket,
    client,
    get isAlive() {
      return phase === 'open' && client.readyState < 2
    },
    killServer() {
      phase = 'over'
      pair.killServer()
    },
    suffer(fault, forMs = 1_000) {
      if (fault === 'cut') pair.cut()
      else if (fault === 'zombie') pair.leaveZombie()
      else if (fault === 'lose-tail') pair.loseTail(LOST_FRAMES)
      else if (fault === 'stall') {
        pair.stall()
        clock.setTimeout(pair.resume, forMs)
      } else pair.blackhole(directionOf(fault))
    },
  }

  return {
    link,
    refuse() {
      phase = 'over'
      refuse()
    },
    open(accept) {
      phase = 'open'
      for (const watcher of watchers) watcher.opened?.(link)
      open()
      const events = accept(socket)
      server.attach({
        message(text) {
          for (const watcher of watchers) watcher.received?.(link, text)
          events.message(text)
        },
        binary: () => events.binary(),
        pong: () => events.pong(),
        closed(code, reason) {
          phase = 'over'
          for (const watcher of watchers) watcher.closed?.(link, code)
          events.closed(code, reason)
        },
      })
    },
  }
}

function directionOf(fault: LinkFault): 'both' | 'to-client' | 'to-server' {
  if (fault === 'blackhole-to-client') return 'to-client'
  return fault === 'blackhole-to-server' ? 'to-server' : 'both'
}
