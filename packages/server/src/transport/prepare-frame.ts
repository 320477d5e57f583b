import type { Frame, FrameRun } from '../ports/server-socket.ts'

/** Final frame, text. */
const TEXT = 0x81

/** The bytes of a frame or a run for the wire. */
export function prepare(part: Frame | FrameRun): Buffer {
  return 'frames' in part ? prepareRun(part) : prepareFrame(part)
}

/** The bytes of an unmasked WebSocket text frame; made once for each frame and kept on it. */
export function prepareFrame(frame: Frame): Buffer {
  return (frame.wire ??= textFrame(frame)) as Buffer
}

/** The bytes of all frames of a run, one after the other; made once and kept on the run alone. */
export function prepareRun(run: FrameRun): Buffer {
  return (run.wire ??= run.endOf === undefined ? textFrames(run.frames) : endOf(run, run.endOf)) as Buffer
}

function endOf({ frames }: FrameRun, whole: FrameRun): Buffer {
  const wire = prepareRun(whole)
  return wire.subarray(wire.length - wireBytesOf(frames))
}

function textFrame(frame: Frame): Buffer {
  const buffer = Buffer.allocUnsafe(wireBytes(frame))
  writeFrame(buffer, 0, frame)
  return buffer
}

function textFrames(frames: readonly Frame[]): Buffer {
  const buffer = Buffer.allocUnsafeSlow(wireBytesOf(frames))
  let at = 0
  for (const frame of frames) at = writeFrame(buffer, at, frame)
  return buffer
}

function headerBytes({ byteLength }: Frame): number {
  return byteLength < 126 ? 2 : byteLength < 65_536 ? 4 : 10
}

function wireBytes(frame: Frame): number {
  return headerBytes(frame) + frame.byteLength
}

function wireBytesOf(frames: readonly Frame[]): number {
  return frames.reduce((bytes, frame) => bytes + wireBytes(frame), 0)
}

/** Writes a frame and returns where it ends. */
function writeFrame(buffer: Buffer, at: number, frame: Frame): number {
  const { text, byteLength } = frame
  const header = headerBytes(frame)
  buffer[at] = TEXT
  if (header === 2) buffer[at + 1] = byteLength
  else if (header === 4) {
    buffer[at + 1] = 126
    buffer.writeUInt16BE(byteLength, at + 2)
  } else {
    buffer[at + 1] = 127
    buffer.writeBigUInt64BE(BigInt(byteLength), at + 2)
  }
  buffer.write(text, at + header, 'utf8')
  return at + header + byteLength
}
