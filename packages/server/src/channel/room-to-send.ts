// Waits until a peer has room for more. Comes from send-snapshot.ts and replay.ts, before each makes what it sends.
import type { Connection } from '../connection/connection.ts'
import type { OpeningContext } from './opening-context.ts'
import { isOpen } from './channel-registry.ts'
import type { Subscription } from './subscription.ts'
import { pause } from './turns.ts'

const DRAIN_POLL_MS = 10
/** A peer that takes nothing for so long does not read. */
const DRAIN_LIMIT_MS = 30_000

/** Does more than half of what may wait for it do so? */
export function isAboveHalf({ socket }: Connection, { maxQueueBytes }: OpeningContext): boolean {
  return socket.bufferedBytes > maxQueueBytes / 2
}

/** Waits until the peer has read half of what waits for it; `false`: superseded, or it does not read. */
export async function drained(subscription: Subscription, context: OpeningContext): Promise<boolean> {
  const { connection } = subscription
  let leastBytes = Number.POSITIVE_INFINITY
  for (let waitedMs = 0; isAboveHalf(connection, context); waitedMs += DRAIN_POLL_MS) {
    if (connection.socket.bufferedBytes < leastBytes) {
      leastBytes = connection.socket.bufferedBytes
      waitedMs = 0
    }
    if (waitedMs >= DRAIN_LIMIT_MS) {
      context.closeSlow(connection)
      return false
    }
    await pause(context.clock, DRAIN_POLL_MS)
    if (!isOpen(subscription)) return false
  }
  return isOpen(subscription)
}
