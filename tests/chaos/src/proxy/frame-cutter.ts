// Finds the WebSocket frames in what a server sends, so that a test can lose, double or swap whole ones: what no TCP
// connection would ever do, and what a checker of delivered streams must notice.

/** Gets each data frame; returns what is sent instead. */
export type Tamper = (frame: Buffer) => readonly Buffer[]

/** A rewrite for the server's direction of one connection: the answer to the upgrade, then frame by frame. */
export function createFrameCutter(tamper: Tamper): (chunk: Buffer) => readonly Buffer[] {
  let isUpgraded = false
  let rest: Buffer = Buffer.alloc(0)

  const takeHead = (): Buffer[] => {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0) return []
    isUpgraded = true
    const head = rest.subarray(0, end + 4)
    rest = rest.subarray(end + 4)
    return [head]
  }

  const takeFrames = (): Buffer[] => {
    const frames: Buffer[] = []
    for (let bytes = frameBytes(rest); bytes !== null && bytes <= rest.length; bytes = frameBytes(rest)) {
      const frame = rest.subarray(0, bytes)
      rest = rest.subarray(bytes)
      frames.push(...(isText(frame) ? tamper(frame) : [frame]))
    }
    return frames
  }

  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    const head = isUpgraded ? [] : takeHead()
    return isUpgraded ? [...head, ...takeFrames()] : head
  }
}

/** The text of a frame that is not masked. */
export function textOf(frame: Buffer): string {
  return frame.subarray(headerBytes(frame)).toString()
}

function isText(frame: Buffer): boolean {
  return ((frame[0] ?? 0) & 0x0f) === 1
}

function headerBytes(frame: Buffer): number {
  const length = (frame[1] ?? 0) & 0x7f
  return length === 126 ? 4 : length === 127 ? 10 : 2
}

/** Header and payload together; `null` while the header is not complete. */
function frameBytes(buffer: Buffer): number | null {
  if (buffer.length < 2) return null
  const header = headerBytes(buffer)
  if (buffer.length < header) return null
  const length = (buffer[1] ?? 0) & 0x7f
  if (length === 126) return header + buffer.readUInt16BE(2)
  return header + (length === 127 ? Number(buffer.readBigUInt64BE(2)) : length)
}
