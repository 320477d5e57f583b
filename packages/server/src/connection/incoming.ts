// What comes from a peer: signs of life, frames within the rate, the end. Next: connection-life.ts, message-router.ts.
import { CLOSE_CODES, type Clock } from '@dnr/protocol'
import type { Limits } from '../limits/limits.ts'
import { nextTokenInMs, takeToken } from '../limits/token-bucket.ts'
import type { SocketEvents } from '../ports/server-socket.ts'
import type { Connection } from './connection.ts'
import { BINARY_FRAME } from './connection-state.ts'
import type { ConnectionLife } from './connection-life.ts'

export interface IncomingOptions {
  readonly clock: Clock
  readonly limits: Limits
  readonly life: ConnectionLife
}

/** The events of every connection's socket: shared by all, so that one more connection is not four more closures. */
export function createIncoming({ clock, limits, life }: IncomingOptions): SocketEvents {
  const hear = (connection: Connection): void => {
    connection.unansweredPings = 0
    connection.heardMark = clock.monotonic()
  }

  const events = {
    message(this: Connection, text: string): void {
      hear(this)
      receive(this, text)
    },
    binary(this: Connection): void {
      hear(this)
      // It is answered in its turn: before `connected` nothing may be said.
      if (isAllowed(this)) life.dispatch(this, { type: 'frame', text: BINARY_FRAME, byteLength: 0 })
    },
    pong(this: Connection): void {
      hear(this)
    },
    closed(this: Connection, code: number): void {
      life.dispatch(this, { type: 'gone', code })
    },
  }

  const receive = (connection: Connection, text: string): void => {
    if (!isAllowed(connection)) return
    // Also a transport that does not limit frames by itself must not be a way around the limit.
    if (text.length > limits.maxFrameBytes) return life.close(connection, CLOSE_CODES.tooBig, 'too_big')
    life.dispatch(connection, { type: 'frame', text, byteLength: Buffer.byteLength(text) })
  }

  const isAllowed = (connection: Connection): boolean => {
    const { status } = connection.state
    if (status === 'closing' || status === 'closed') return false
    switch (takeToken(connection.bucket, limits, clock.monotonic())) {
      case 'allow':
        return true
      case 'refuse': {
        const retryAfterMs = nextTokenInMs(connection.bucket, limits)
        const message = `More than ${limits.maxMessagesPerSecond} messages per second: wait ${retryAfterMs} ms, or the connection is closed.`
        life.refuse(connection, { code: 'rate_limited', message, retryAfterMs })
        return false
      }
      case 'drop':
        return false
      case 'close':
        life.close(connection, CLOSE_CODES.tooMany, 'rate_limited')
        return false
    }
  }

  return events
}
