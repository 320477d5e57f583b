// How much may wait for a socket. What one tick says is written before the socket can take any of it, be it a transaction of many
// mebibytes: that alone does not make a slow reader. Holds how the queues of this tick were when it began; next: outgoing.ts.
import type { Clock } from '@dnr/protocol'
import { afterTick } from './after-tick.ts'
import type { Connection } from './connection.ts'

/** Of one connection's queue; bytes. */
export interface Queue {
  /** The tick in which something was last said to it. */
  tick: number
  /** What waited when that tick began. */
  atStartBytes: number
  /** What one tick left beyond the limit to a reader who kept up: until that is taken the limit counts beside it. */
  burstBytes: number
  /** The reader has until then to take it. */
  burstEndMark: number
}

/** How long a reader may take for what one tick left beyond the limit. */
const BURST_LIMIT_MS = 30_000

/**
 * Is there room for so many bytes more? Always for a reader of whom nothing waits, or who kept up when the tick began: then for all that
 * the tick says. So a queue holds at most `maxQueueBytes`, or,
 * when one tick alone said more, half of them and that tick, and `maxQueueBytes` beside it.
 */
export function createQueueRoom(
  maxQueueBytes: number,
  clock: Clock,
): (connection: Connection, byteLength: number) => boolean {
  let tick = 1
  let endsTick = false

  const endTick = (): void => {
    endsTick = false
    tick++
  }

  return ({ socket, queue }, byteLength) => {
    const { bufferedBytes } = socket
    if (queue.tick !== tick) {
      queue.tick = tick
      queue.atStartBytes = bufferedBytes
      if (bufferedBytes <= maxQueueBytes) queue.burstBytes = 0
      if (!endsTick) afterTick(endTick)
      endsTick = true
    }
    const bytes = bufferedBytes + byteLength
    // What is larger than the whole queue still goes out to somebody who has read everything.
    if (bufferedBytes === 0 || bytes <= maxQueueBytes) return true
    const now = clock.monotonic()
    if (queue.atStartBytes > maxQueueBytes / 2)
      return queue.burstBytes > 0 && bytes <= queue.burstBytes + maxQueueBytes && now < queue.burstEndMark
    queue.burstBytes = bytes
    queue.burstEndMark = now + BURST_LIMIT_MS
    return true
  }
}

/** Of a connection to which nothing has been said. */
export function emptyQueue(): Queue {
  return { tick: 0, atStartBytes: 0, burstBytes: 0, burstEndMark: 0 }
}
