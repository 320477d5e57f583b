// One direction of a connection: packets under way, in order. Holds what is not delivered yet; knows neither end.
// Next: the end that receives.

/** What travels between the two ends of a socket pair. */
export type Packet =
  | { readonly kind: 'opened' }
  | { readonly kind: 'text'; readonly text: string; readonly bytes: number }
  | { readonly kind: 'binary'; readonly bytes: number }
  | { readonly kind: 'ping' }
  | { readonly kind: 'pong' }
  | { readonly kind: 'close'; readonly code: number; readonly reason: string }
  | { readonly kind: 'lost' }

/** One direction: what is pushed arrives in order, each packet in a microtask of its own. */
export interface OneWayWire {
  push(packet: Packet): void
  /** Payload bytes pushed and not delivered. */
  readonly bufferedBytes: number
  /** Delivers nothing, keeps everything, until `resume`. */
  stall(): void
  resume(): void
  /** Whatever is under way, and all that follows, vanishes. */
  swallow(): void
  /** Drops what is under way and delivers the loss of the connection, even when stalled; not when swallowed. */
  lose(): void
}

/** Makes one direction; `receive` takes what arrives. */
export function createOneWayWire(receive: (packet: Packet) => void): OneWayWire {
  let queue: Packet[] = []
  let mode: 'flowing' | 'stalled' | 'swallowing' = 'flowing'
  let isScheduled = false

  const schedule = (): void => {
    if (isScheduled || mode !== 'flowing' || queue.length === 0) return
    isScheduled = true
    void Promise.resolve().then(deliverOne)
  }
  const deliverOne = (): void => {
    isScheduled = false
    if (mode !== 'flowing') return
    const packet = queue.shift()
    schedule()
    // A receiver that throws rejects this microtask alone: the runtime reports it, later packets still arrive.
    if (packet !== undefined) receive(packet)
  }

  return {
    push(packet) {
      if (mode === 'swallowing') return
      queue.push(packet)
      schedule()
    },
    get bufferedBytes() {
      return queue.reduce((sum, packet) => sum + ('bytes' in packet ? packet.bytes : 0), 0)
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
      queue = []
    },
    lose() {
      if (mode === 'swallowing') return
      mode = 'flowing'
      queue = [{ kind: 'lost' }]
      schedule()
    },
  }
}
