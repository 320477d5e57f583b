// The browser's end of a socket pair: a WebSocket as the HTML standard describes it, as far as DNR uses it.
import { type Clock, utf8Bytes } from '@dnr/protocol'
import type { OneWayWire, Packet } from './one-way-wire.ts'

/** What a browser's `close` event says. */
export interface ClientCloseEvent {
  readonly code: number
  readonly reason: string
  readonly wasClean: boolean
}

/** The client's end: the part of a browser's `WebSocket` that DNR uses. */
export interface ClientEnd {
  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  readonly readyState: 0 | 1 | 2 | 3
  readonly protocol: string
  readonly bufferedAmount: number
  onopen: ((event: object) => void) | null
  onmessage: ((event: { readonly data: unknown }) => void) | null
  onclose: ((event: ClientCloseEvent) => void) | null
  onerror: ((event: object) => void) | null
  /** @throws Error `InvalidStateError` while connecting. Once closing, the data is dropped, as browsers do. */
  send(data: string | ArrayBuffer | Uint8Array): void
  /** @throws Error `InvalidAccessError` when `code` is neither 1000 nor 3000 to 4999. */
  close(code?: number, reason?: string): void
}

export interface ClientEndParts {
  readonly toServer: OneWayWire
  readonly protocol: string
  readonly clock: Clock | undefined
  readonly closeTimeoutMs: number
  /** Bytes under way that do not count as buffered. */
  readonly windowBytes: number
}

export function createClientEnd(parts: ClientEndParts): ClientEnd & { receive(packet: Packet): void } {
  const { toServer, clock, closeTimeoutMs, windowBytes } = parts
  let readyState: ClientEnd['readyState'] = 0
  let cancelTimeout: (() => void) | undefined

  const finish = (event: ClientCloseEvent): void => {
    if (readyState === 3) return
    readyState = 3
    cancelTimeout?.()
    if (!event.wasClean) end.onerror?.({ type: 'error' })
    end.onclose?.(event)
  }
  const lose = (): void => finish({ code: 1006, reason: '', wasClean: false })
  const receive = (packet: Packet): void => {
    if (readyState === 3) return undefined
    switch (packet.kind) {
      case 'opened':
        if (readyState !== 0) return undefined
        readyState = 1
        return end.onopen?.({ type: 'open' })
      case 'text':
        return readyState === 1 ? end.onmessage?.({ data: packet.text }) : undefined
      case 'ping':
        return toServer.push({ kind: 'pong' })
      case 'close':
        if (readyState === 1) toServer.push(packet)
        return finish({ code: packet.code, reason: packet.reason, wasClean: true })
      case 'lost':
        return lose()
      case 'binary':
      case 'pong':
        return undefined
    }
  }

  const end: ClientEnd & { receive(packet: Packet): void } = {
    receive,
    protocol: parts.protocol,
    onopen: null,
    onmessage: null,
    onclose: null,
    onerror: null,
    get readyState() {
      return readyState
    },
    get bufferedAmount() {
      return Math.max(0, toServer.bufferedBytes - windowBytes)
    },
    send(data) {
      if (readyState === 0) throw named('InvalidStateError', 'The socket is still connecting.')
      if (readyState !== 1) return
      if (typeof data === 'string') toServer.push({ kind: 'text', text: data, bytes: utf8Bytes(data) })
      else toServer.push({ kind: 'binary', bytes: data.byteLength })
    },
    close(code, reason = '') {
      if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999)) {
        throw named('InvalidAccessError', `The close code must be 1000 or 3000 to 4999, not ${code}.`)
      }
      if (readyState >= 2) return
      const wasConnecting = readyState === 0
      readyState = 2
      if (wasConnecting) {
        toServer.lose()
        void Promise.resolve().then(lose)
        return
      }
      toServer.push({ kind: 'close', code: code ?? 1005, reason })
      if (clock !== undefined) {
        cancelTimeout = clock.setTimeout(() => {
          toServer.lose()
          lose()
        }, closeTimeoutMs)
      }
    },
  }
  return end
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name })
}
