/** Takes WebSocket frames of a server apart, just far enough to count them. */
export interface FrameReader {
  read(chunk: Buffer): void
}

const HEAD_BYTES = 16

/** Calls `frame(opcode, head)` for each frame; `head` is the beginning of its payload, at most 16 bytes. */
export function createFrameReader(frame: (opcode: number, head: Buffer) => void): FrameReader {
  let rest: Buffer = Buffer.alloc(0)
  let skipBytes = 0
  const readAll = (bytes: Buffer): Buffer => {
    let at = 0
    while (at < bytes.length) {
      const skipped = Math.min(skipBytes, bytes.length - at)
      skipBytes -= skipped
      at += skipped
      if (at === bytes.length) break
      const header = readHeader(bytes, at)
      if (header === null || bytes.length < header.payloadAt + Math.min(header.payloadBytes, HEAD_BYTES))
        return bytes.subarray(at)
      frame(
        header.opcode,
        bytes.subarray(header.payloadAt, header.payloadAt + Math.min(header.payloadBytes, HEAD_BYTES)),
      )
      at = header.payloadAt
      skipBytes = header.payloadBytes
    }
    return bytes.subarray(bytes.length)
  }
  return {
    read: (chunk) => {
      rest = readAll(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]))
    },
  }
}

function readHeader(
  bytes: Buffer,
  at: number,
): { opcode: number; payloadAt: number; payloadBytes: number } | null {
  if (bytes.length < at + 2) return null
  const opcode = bytes.readUInt8(at) & 0x0f
  const short = bytes.readUInt8(at + 1) & 0x7f
  if (short < 126) return { opcode, payloadAt: at + 2, payloadBytes: short }
  if (short === 126) {
    return bytes.length < at + 4
      ? null
      : { opcode, payloadAt: at + 4, payloadBytes: bytes.readUInt16BE(at + 2) }
  }
  return bytes.length < at + 10
    ? null
    : { opcode, payloadAt: at + 10, payloadBytes: Number(bytes.readBigUInt64BE(at + 2)) }
}

/** A client's text frame (opcode 1) or pong (10): masked, with a mask of zeros, so that the payload stays as it is. */
export function clientFrame(payload: string, opcode = 1): Buffer {
  const bytes = Buffer.from(payload)
  const long = bytes.length > 125
  const head = Buffer.alloc(long ? 8 : 6)
  head.writeUInt8(0x80 | opcode, 0)
  head.writeUInt8(0x80 | (long ? 126 : bytes.length), 1)
  if (long) head.writeUInt16BE(bytes.length, 2)
  return Buffer.concat([head, bytes])
}
