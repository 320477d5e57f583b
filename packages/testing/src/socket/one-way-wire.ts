// One direction of a connection: packets under way, in order. Holds what is not delivered yet; knows neither end.
// Next: the end that receives.
import type { Clock } from '@dnr/protocol'

/** What travels between the two ends of a socket pair. */
export type Packet =
  | { readonly kind: 'opened' }
  | { readonly kind: 'text'; readonly text: string; readonly bytes: number }
  | { readonly kind: 'binary'; readonly bytes: number }
  | { readonly kind: 'ping' }
  | { readonly kind: 'pong' }
  | { readonly kind: 'close'; readonly code: number; readonly reason: string }
  | { readonly kind: 'lost' }

/** How long packets are under way. */
export interface WireTiming {
  readonly clock: Clock
  /** Asked once for each packet; a packet never overtakes the one before it. */
  latencyMs(): number
}

/** One direction: what is pushed arrives in order, each packet in a microtask of its own, or after its latency. */
export interface OneWayWire {
  push(packet: Packet): void
  /** Payload bytes pushed and not delivered. */
  readonly bufferedBytes: number
  /** Delivers nothing, keeps everything, until `resume`. */
  stall(): void
  resume(): void
  /** Whatever is under way, and all that follows, vanishes. */
  swallow(): void
  /** The last `count` packets under way vanish, and all that follows. */
  loseTail(count: number): void
  /** Drops what is under way and delivers the loss of the connection, even when stalled; not when swallowed. */
  lose(): void
}

interface UnderWay {
  readonly packet: Packet
  readonly dueMark: number
}

/** Makes one direction; `receive` takes what arrives. */
export function createOneWayWire(receive: (packet: Packet) => void, timing?: WireTiming): OneWayWire {
  let queue: UnderWay[] = []
  let mode: 'flowing' | 'stalled' | 'swallowing' = 'flowing'
  let isScheduled = false
  let isLosingTail = false
  let bufferedBytes = 0
  let lastDueMark = 0

  const schedule = (): void => {
    const [next] = queue
    if (isScheduled || mode !== 'flowing' || next === undefined) return
    isScheduled = true
    if (timing === undefined) void Promise.resolve().then(deliverOne)
    else timing.clock.setTimeout(deliverOne, next.dueMark - timing.clock.monotonic())
  }
  const deliverOne = (): void => {
    isScheduled = false
    if (mode !== 'flowing') return
    const [next] = queue
    // The queue may have been emptied and filled again since this delivery was scheduled.
    if (next !== undefined && timing !== undefined && next.dueMark > timing.clock.monotonic())
      return schedule()
    queue.shift()
    if (queue.length === 0 && isLosingTail) mode = 'swallowing'
    schedule()
    if (next === undefined) return
    bufferedBytes -= bytesOf(next.packet)
    // A receiver that throws rejects this microtask alone: the runtime reports it, later packets still arrive.
    receive(next.packet)
  }
  const dueMark = (): number => {
    if (timing === undefined) return 0
    lastDueMark = Math.max(lastDueMark, timing.clock.monotonic() + timing.latencyMs())
    return lastDueMark
  }
  const replaceBy = (kept: UnderWay[]): void => {
    queue = kept
    bufferedBytes = kept.reduce((sum, { packet }) => sum + bytesOf(packet), 0)
  }

  return {
    push(packet) {
      if (mode === 'swallowing' || isLosingTail) return
      queue.push({ packet, dueMark: dueMark() })
      bufferedBytes += bytesOf(packet)
      schedule()
    },
    get bufferedBytes() {
      return bufferedBytes
    },
    stall() {
      if (mode === 'flowing') mode = 'stalled'
    },
    resume() {
      if (mode === 'stalled') mode = 'flowing'
      schedule()
    },
    swallow() {
      mode = 'swallowing'
      replaceBy([])
    },
    loseTail(count) {
      replaceBy(queue.slice(0, Math.max(0, queue.length - count)))
      isLosingTail = true
      if (queue.length === 0) mode = 'swallowing'
    },
    lose() {
      if (mode === 'swallowing' || isLosingTail) return
      mode = 'flowing'
      replaceBy([{ packet: { kind: 'lost' }, dueMark: dueMark() }])
      schedule()
    },
  }
}

function bytesOf(packet: Packet): number {
  return 'bytes' in packet ? packet.bytes : 0
}
