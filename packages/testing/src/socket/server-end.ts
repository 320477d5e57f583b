// The server's end of a socket pair. Fits the `ServerSocket` of @dnr/server by shape; hands what arrives to the events
// that the server attached.
import type { Clock } from '@dnr/protocol'
import type { OneWayWire, Packet } from './one-way-wire.ts'

/** A text frame, encoded once for all its receivers. */
export interface ServerFrame {
  readonly text: string
  readonly byteLength: number
}

/** What a server wants to hear of a socket. */
export interface ServerSocketEvents {
  message(text: string): void
  binary(): void
  pong(): void
  closed(code: number, reason: string): void
}

/** The server's end: what a transport adapter would give to the server. */
export interface ServerEnd {
  send(frame: ServerFrame): void
  close(code: number, reason: string): void
  terminate(): void
  ping(): void
  readonly bufferedBytes: number
  /** Says who listens. What arrived before is delivered then, in order. */
  attach(events: ServerSocketEvents): void
  /** How this end ended, `null` while it has not. */
  readonly closedWith: { readonly code: number; readonly reason: string } | null
}

export interface ServerEndParts {
  readonly toClient: OneWayWire
  readonly clock: Clock | undefined
  readonly closeTimeoutMs: number
  /** Bytes under way that do not count as buffered. */
  readonly windowBytes: number
}

export function createServerEnd(
  parts: ServerEndParts,
): ServerEnd & { receive(packet: Packet): void; vanish(): void } {
  const { toClient, clock, closeTimeoutMs, windowBytes } = parts
  const early: Packet[] = []
  let events: ServerSocketEvents | undefined
  let phase: 'open' | 'closing' | 'closed' = 'open'
  let closedWith: { readonly code: number; readonly reason: string } | null = null
  let cancelTimeout: (() => void) | undefined

  const finish = (code: number, reason: string): void => {
    if (phase === 'closed') return
    phase = 'closed'
    closedWith = { code, reason }
    cancelTimeout?.()
    events?.closed(code, reason)
  }
  const terminate = (): void => {
    if (phase === 'closed') return
    toClient.lose()
    void Promise.resolve().then(() => receive({ kind: 'lost' }))
  }
  const receive = (packet: Packet): void => {
    if (phase === 'closed') return
    if (events === undefined || early.length > 0) early.push(packet)
    else handle(packet, events)
  }
  const deliverEarly = (): void => {
    const packet = early.shift()
    if (early.length > 0) void Promise.resolve().then(deliverEarly)
    if (packet !== undefined && events !== undefined && phase !== 'closed') handle(packet, events)
  }
  const handle = (packet: Packet, to: ServerSocketEvents): void => {
    switch (packet.kind) {
      case 'text':
        return to.message(packet.text)
      case 'binary':
        return to.binary()
      case 'pong':
        return to.pong()
      case 'close':
        if (phase === 'open') toClient.push(packet)
        return finish(packet.code, packet.reason)
      case 'lost':
        return finish(1006, '')
      case 'opened':
      case 'ping':
        return undefined
    }
  }

  return {
    receive,
    terminate,
    vanish() {
      phase = 'closed'
      cancelTimeout?.()
    },
    send(frame) {
      if (phase === 'open') toClient.push({ kind: 'text', text: frame.text, bytes: frame.byteLength })
    },
    close(code, reason) {
      if (phase !== 'open') return
      phase = 'closing'
      toClient.push({ kind: 'close', code, reason })
      if (clock !== undefined) cancelTimeout = clock.setTimeout(terminate, closeTimeoutMs)
    },
    ping() {
      if (phase === 'open') toClient.push({ kind: 'ping' })
    },
    attach(listener) {
      events = listener
      if (early.length > 0) void Promise.resolve().then(deliverEarly)
    },
    get bufferedBytes() {
      return Math.max(0, toClient.bufferedBytes - windowBytes)
    },
    get closedWith() {
      return closedWith
    },
  }
}
