// Everything that goes to a socket passes here: the bound of its queue is kept, and so is the order in which things were
// said. Next: the transport, which gathers what a socket gets in a tick.
import type { Clock } from '@dnr/protocol'
import type { Frame, FrameRun } from '../ports/server-socket.ts'
import { type Connection, isLive } from './connection.ts'
import { createFanOut, type FanOut } from './fan-out.ts'
import { createQueueRoom } from './queue-room.ts'

export interface Outgoing {
  /** Sends, unless the connection is ending. A peer that does not read is closed instead. */
  send(connection: Connection, frame: Frame): void
  /** The same for frames that follow each other. */
  sendRun(connection: Connection, run: FrameRun): void
  /** The same for many. */
  readonly fanOut: FanOut
  /** Frames sent since the start. */
  readonly framesSent: number
}

export interface OutgoingOptions {
  readonly maxQueueBytes: number
  readonly clock: Clock
  /** Its peer does not read. */
  onSlow(connection: Connection): void
  /** Its socket threw, which no socket should. */
  onBroken(connection: Connection, error: unknown): void
}

export function createOutgoing({ maxQueueBytes, clock, onSlow, onBroken }: OutgoingOptions): Outgoing {
  const fits = createQueueRoom(maxQueueBytes, clock)
  let framesSent = 0

  const hasRoom = (connection: Connection, byteLength: number): boolean => {
    if (!isLive(connection)) return false
    if (fits(connection, byteLength)) return true
    onSlow(connection)
    return false
  }

  const tellFrame = (connection: Connection, frame: Frame): void => {
    if (!hasRoom(connection, frame.byteLength)) return
    framesSent++
    connection.socket.send(frame)
  }

  const tellRun = (connection: Connection, run: FrameRun): void => {
    if (!hasRoom(connection, run.byteLength)) return
    const { socket } = connection
    const { frames } = run
    framesSent += frames.length
    if (socket.sendRun === undefined || frames.length === 1) for (const frame of frames) socket.send(frame)
    else socket.sendRun(run)
  }

  // Of many, one whose socket breaks its contract costs the others nothing.
  const fanOut = createFanOut((connection, said) => {
    try {
      if ('frames' in said) tellRun(connection, said)
      else tellFrame(connection, said)
    } catch (error) {
      onBroken(connection, error)
    }
  })

  return {
    send(connection, frame) {
      fanOut.flush()
      tellFrame(connection, frame)
    },
    sendRun(connection, run) {
      fanOut.flush()
      tellRun(connection, run)
    },
    fanOut,
    get framesSent() {
      return framesSent
    },
  }
}
