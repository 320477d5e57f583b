import type { Frame } from '../ports/server-socket.ts'

/** Final frame, text. */
const TEXT = 0x81

/** The bytes of an unmasked WebSocket text frame; made once for each frame and kept on it. */
export function prepareFrame(frame: Frame): Buffer {
  return (frame.wire ??= textFrame(frame)) as Buffer
}

function textFrame({ text, byteLength }: Frame): Buffer {
  const headerBytes = byteLength < 126 ? 2 : byteLength < 65_536 ? 4 : 10
  const buffer = Buffer.allocUnsafe(headerBytes + byteLength)
  buffer[0] = TEXT
  if (headerBytes === 2) buffer[1] = byteLength
  else if (headerBytes === 4) {
    buffer[1] = 126
    buffer.writeUInt16BE(byteLength, 2)
  } else {
    buffer[1] = 127
    buffer.writeBigUInt64BE(BigInt(byteLength), 2)
  }
  buffer.write(text, headerBytes, 'utf8')
  return buffer
}
