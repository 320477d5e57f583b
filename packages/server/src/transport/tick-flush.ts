// Gathers until the work at hand is done, then writes. No timer: what one tick says leaves in the same tick.
import { appendFrame, bufferOf, type FrameChain, startChain } from './frame-chain.ts'
import type { Frame } from '../ports/server-socket.ts'

/** A socket that can be written to at the end of a tick. */
export interface Gathering {
  /** What it gets in this tick; `null`: nothing. */
  chain: FrameChain | null
  /** What `bufferedBytes` was when the chain began. Nothing of it is taken before the tick ends. */
  untaken: number
  /** Bytes that the system has not taken, those of the chain among them. */
  readonly bufferedBytes: number
  write(buffer: Buffer): void
}

export interface TickFlush {
  /** Adds a frame to what a socket gets. */
  add(socket: Gathering, frame: Frame): void
  /** Writes what one socket has gathered, now. */
  flush(socket: Gathering): void
}

/** Gathered bytes of one socket that are written without waiting for the end of the tick. */
const MAX_GATHERED_BYTES = 262_144

/**
 * Calls `callback` when the work at hand is done: promises that are due now may have more to say, and the next tick of
 * the process comes after them, and before any input. In the order of the calls.
 */
export function afterTick(callback: () => void): void {
  queueMicrotask(() => process.nextTick(callback))
}

export function createTickFlush(): TickFlush {
  let start = startChain()
  let waiting: Gathering[] = []

  const flushOne = (socket: Gathering): void => {
    const { chain } = socket
    if (chain === null) return
    socket.chain = null
    socket.write(bufferOf(chain))
  }

  const flushAll = (): void => {
    const sockets = waiting
    waiting = []
    start = startChain()
    for (const socket of sockets) flushOne(socket)
  }

  return {
    add(socket, frame) {
      if (socket.chain === null) {
        if (waiting.length === 0) afterTick(flushAll)
        waiting.push(socket)
        socket.untaken = socket.bufferedBytes
        socket.chain = start
      }
      socket.chain = appendFrame(socket.chain, frame)
      if (socket.chain.bytes > MAX_GATHERED_BYTES) flushOne(socket)
    },
    flush: flushOne,
  }
}
