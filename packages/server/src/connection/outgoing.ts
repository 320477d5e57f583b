// Everything that goes to a socket passes here: the bound of its queue is kept. Next: the transport, which gathers what
// a socket gets in a tick.
import type { Frame } from '../ports/server-socket.ts'
import { type Connection, isLive } from './connection.ts'

export interface Outgoing {
  /** Sends, unless the connection is ending. A peer that does not read is closed instead. */
  send(connection: Connection, frame: Frame): void
  /** Frames sent since the start. */
  readonly framesSent: number
}

export function createOutgoing(maxQueueBytes: number, onSlow: (connection: Connection) => void): Outgoing {
  let framesSent = 0
  return {
    send(connection, frame) {
      if (!isLive(connection)) return
      const { socket } = connection
      const { bufferedBytes } = socket
      // A frame larger than the whole queue still goes out to somebody who has read everything.
      if (bufferedBytes > 0 && bufferedBytes + frame.byteLength > maxQueueBytes) return onSlow(connection)
      framesSent++
      socket.send(frame)
    },
    get framesSent() {
      return framesSent
    },
  }
}
