// Gathers until the work at hand is done, then writes. No timer: what one tick says leaves in the same tick. Sockets that
// got the same share one buffer.
import { afterTick } from '../connection/after-tick.ts'
import { type Chain, createChains } from '../connection/chains.ts'
import type { Frame, FrameRun } from '../ports/server-socket.ts'
import { prepare } from './prepare-frame.ts'

/** What a socket gets, or a part of it: frames, one by one or as runs. */
export type Part = Frame | FrameRun

/** A socket that can be written to at the end of a tick. */
export interface Gathering {
  /** What it gets in this tick; `null`: nothing. Its bytes are those on the wire, headers included. */
  chain: Chain<Part, Buffer> | null
  /** What `bufferedBytes` was when the chain began. Nothing of it is taken before the tick ends. */
  untaken: number
  /** Bytes that the system has not taken, those of the chain among them. */
  readonly bufferedBytes: number
  write(buffer: Buffer): void
}

export interface TickFlush {
  /** Adds to what a socket gets. */
  add(socket: Gathering, part: Part): void
  /** Writes what one socket has gathered, now. */
  flush(socket: Gathering): void
}

/** Gathered bytes of one socket that are written without waiting for the end of the tick. */
const MAX_GATHERED_BYTES = 262_144

export function createTickFlush(): TickFlush {
  const { start, append, wholeOf } = createChains<Part, Buffer>((part) => prepare(part).length, concat)
  let empty = start()
  let waiting: Gathering[] = []

  const flushOne = (socket: Gathering): void => {
    const { chain } = socket
    if (chain === null) return
    socket.chain = null
    socket.write(wholeOf(chain))
  }

  const flushAll = (): void => {
    const sockets = waiting
    waiting = []
    empty = start()
    for (const socket of sockets) flushOne(socket)
  }

  return {
    add(socket, part) {
      if (socket.chain === null) {
        if (waiting.length === 0) afterTick(flushAll)
        waiting.push(socket)
        socket.untaken = socket.bufferedBytes
        socket.chain = empty
      }
      socket.chain = append(socket.chain, part)
      if (socket.chain.bytes > MAX_GATHERED_BYTES) flushOne(socket)
    },
    flush: flushOne,
  }
}

function concat(parts: readonly Part[], bytes: number): Buffer {
  const [only] = parts
  return parts.length === 1 && only !== undefined ? prepare(only) : Buffer.concat(parts.map(prepare), bytes)
}
