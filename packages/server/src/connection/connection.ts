// One socket with its principal and state. A plain record without closures or timers of its own: a server holds many
// thousands. Next: web-socket-manager.ts moves it, channel/ hangs subscriptions on it.
import type { Principal } from '@dnr/protocol'
import type { Attempt, Subscription } from '../channel/subscription.ts'
import type { TokenBucket } from '../limits/token-bucket.ts'
import type { ServerSocket, SocketEvents } from '../ports/server-socket.ts'
import type { WaitingFrames } from './arrivals.ts'
import type { ConnectionState } from './connection-state.ts'
import type { Queue } from './queue-room.ts'

/** A connection as the stations of the server share it. */
export interface Connection extends SocketEvents {
  readonly id: string
  readonly socket: ServerSocket
  readonly remoteAddress: string
  /** Wall clock, milliseconds since the epoch. */
  readonly connectedAt: number
  /** Its place among connections and requests, in the order in which they came: `nextArrival`. */
  readonly arrival: number
  readonly bucket: TokenBucket
  state: ConnectionState
  /** Whose it was counted as; stays when it ends. */
  userId: string | null
  /** Pings since the last sign of life. */
  unansweredPings: number
  /** When the last sign of life came. */
  heardMark: number
  /** Its place in the heartbeat's rotation. */
  slot: number
  /** Installed subscriptions by their key; `null` before the first. */
  subscriptions: Map<string, Subscription> | null
  /** Subscribes that are not live yet, by their key; `null` when there are none. */
  attempts: Map<string, Attempt> | null
  /** Frames that wait for their turn; `null` when there are none. */
  waiting: WaitingFrames | null
  readonly queue: Queue
  /** The reading of history and snapshots under way: one at a time. */
  reading: Promise<unknown> | null
}

/** What applications see of a connection. */
export interface ConnectionView {
  readonly id: string
  /** `null`: a guest. */
  readonly principal: Principal | null
  readonly remoteAddress: string
  /** Wall clock, milliseconds since the epoch. */
  readonly connectedAt: number
  /** Names of the channels it hears. */
  readonly channels: readonly string[]
}

/** Who the connection acts for now; `null` is a guest, or nobody any more. */
export function principalOf(connection: Connection): Principal | null {
  const { state } = connection
  return state.status === 'open' || state.status === 'authenticating' ? state.principal : null
}

/** May frames be sent to it? */
export function isLive(connection: Connection): boolean {
  const { state } = connection
  return state.status === 'open' || (state.status === 'authenticating' && state.welcomed)
}

export function viewOf(connection: Connection): ConnectionView {
  const subscriptions = [...(connection.subscriptions?.values() ?? [])]
  return {
    id: connection.id,
    principal: principalOf(connection),
    remoteAddress: connection.remoteAddress,
    connectedAt: connection.connectedAt,
    channels: [...new Set(subscriptions.map(({ group }) => group.channel.name))],
  }
}
