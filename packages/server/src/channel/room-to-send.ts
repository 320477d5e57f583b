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
  const { socket } = connection
  let leastBytes = Number.POSITIVE_INFINITY
  let { taken } = socket
  for (let waitedMs = 0; isAboveHalf(connection, context); waitedMs += DRAIN_POLL_MS) {
    const { bufferedBytes } = socket
    // What is sent at once may take its reader longer than that.
    if (bufferedBytes < leastBytes || socket.taken !== taken) waitedMs = 0
    leastBytes = Math.min(leastBytes, bufferedBytes)
    taken = socket.taken
    if (waitedMs >= DRAIN_LIMIT_MS) {
      context.closeSlow(connection)
      return false
    }
    await pause(context.clock, DRAIN_POLL_MS)
    if (!isOpen(subscription)) return false
  }
  return isOpen(subscription)
}
