// What a socket gets in a tick, as one buffer that it shares with every socket that gets the same.
//
//   start ─ f1 ─ f2 ─ f3        a, b, c got f1 f2 f3: one buffer, three writes
//             └─ f4             d got f1 f2 f4
import type { Frame } from '../ports/server-socket.ts'
import { prepareFrame } from './prepare-frame.ts'

/** A sequence of frames; never changed, so that sockets may share it. The start of all has no frame. */
export interface FrameChain {
  readonly parent: FrameChain | null
  readonly frame: Frame | null
  readonly length: number
  /** Bytes of the whole sequence on the wire, headers included. */
  readonly bytes: number
  /** The last one asked for: in a fan-out it is nearly always asked for again. */
  next: FrameChain | null
  others: Map<Frame, FrameChain> | null
  buffer: Buffer | null
}

/** The empty sequence, from which the sequences of one tick grow; it is dropped with them. */
export function startChain(): FrameChain {
  return { parent: null, frame: null, length: 0, bytes: 0, next: null, others: null, buffer: null }
}

/** The sequence with one more frame: the same one for everybody who asks for the same. */
export function appendFrame(chain: FrameChain, frame: Frame): FrameChain {
  const { next } = chain
  if (next !== null && next.frame === frame) return next
  const known = chain.others?.get(frame)
  if (known !== undefined) return known
  const bytes = chain.bytes + prepareFrame(frame).length
  const added: FrameChain = {
    parent: chain,
    frame,
    length: chain.length + 1,
    bytes,
    next: null,
    others: null,
    buffer: null,
  }
  if (next?.frame) {
    chain.others ??= new Map()
    chain.others.set(next.frame, next)
  }
  chain.next = added
  return added
}

/** The whole sequence as bytes for the wire, put together once. */
export function bufferOf(chain: FrameChain): Buffer {
  chain.buffer ??= chain.length === 1 && chain.frame !== null ? prepareFrame(chain.frame) : concat(chain)
  return chain.buffer
}

function concat(chain: FrameChain): Buffer {
  const buffer = Buffer.allocUnsafeSlow(chain.bytes)
  let end = chain.bytes
  for (let link: FrameChain | null = chain; link !== null && link.frame !== null; link = link.parent) {
    const wire = prepareFrame(link.frame)
    end -= wire.length
    buffer.set(wire, end)
  }
  return buffer
}
