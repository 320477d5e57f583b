// One direction of a proxied connection, and what may happen to it on the way.
import type { Socket } from 'node:net'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'

/** What lies between two ends, whatever happens: none of it changes a byte or the order. */
export interface PipeOptions {
  /** Added to each chunk, milliseconds; chunks stay in order. @default none */
  readonly delayMs?: () => number
  /** @default no limit */
  readonly bytesPerSecond?: number
  /** Takes a chunk apart or changes it. @default passes it on */
  readonly rewrite?: (chunk: Buffer) => readonly Buffer[]
}

/** Carries what arrives at one socket to another, its end too. */
export interface Pipe {
  /** Nothing goes on until the release; nothing is lost. */
  hold(): void
  release(): void
  /** What waits and what still comes is lost, an end too, and the sender is not told. */
  vanish(): void
  /** Sends segments of at most so many bytes; `Infinity`: as they come. */
  segment(maxBytes: number): void
  /** Calls once, instead of passing on, when the next bytes come; they are lost. */
  interceptNext(listener: () => void): void
  /** Says to the target that nothing more comes; what still comes is lost. */
  endTarget(): void
}

interface Item {
  /** `null`: the end. */
  readonly bytes: Buffer | null
  readonly dueMark: number
}

const MAX_WAITING_BYTES = 262_144

/** Starts to carry at once. Both sockets need an `error` listener of their own. */
export function createPipe(source: Socket, target: Socket, options: PipeOptions = {}): Pipe {
  const {
    delayMs = () => 0,
    bytesPerSecond = Number.POSITIVE_INFINITY,
    rewrite = (chunk) => [chunk],
  } = options
  let waiting: Item[] = []
  let waitingBytes = 0
  let lastDueMark = 0
  let segmentBytes = Number.POSITIVE_INFINITY
  let isHeld = false
  let isVanishing = false
  let isPumping = false
  let intercept: (() => void) | null = null

  const receive = (bytes: Buffer | null): void => {
    if (isVanishing) return
    if (bytes !== null && intercept !== null) {
      const listener = intercept
      intercept = null
      return listener()
    }
    const takesMs = ((bytes?.length ?? 0) / bytesPerSecond) * 1_000
    lastDueMark = Math.max(lastDueMark + takesMs, performance.now() + delayMs())
    waiting.push({ bytes, dueMark: lastDueMark })
    waitingBytes += bytes?.length ?? 0
    throttle()
    void pump()
  }

  const throttle = (): void => {
    if (!isVanishing && (isHeld || waitingBytes > MAX_WAITING_BYTES)) source.pause()
    else source.resume()
  }

  const next = (): Item | null => (isHeld ? null : (waiting[0] ?? null))

  const pump = async (): Promise<void> => {
    if (isPumping) return
    isPumping = true
    for (let item = next(); item !== null; item = next()) {
      const earlyMs = item.dueMark - performance.now()
      if (earlyMs > 0) {
        await sleep(earlyMs)
        continue // it may have been held or lost meanwhile
      }
      waiting.shift()
      waitingBytes -= item.bytes?.length ?? 0
      if (item.bytes === null) target.end()
      else await write(item.bytes)
    }
    isPumping = false
    throttle()
  }

  const write = async (bytes: Buffer): Promise<void> => {
    for (let start = 0; start < bytes.length && target.writable;) {
      const piece = bytes.subarray(start, start + Math.min(segmentBytes, bytes.length))
      start += piece.length
      const isRoomLeft = target.write(piece)
      if (!isRoomLeft) await drained(target)
      else if (start < bytes.length) await nextTurn()
    }
  }

  const lose = (): void => {
    isVanishing = true
    waiting = []
    waitingBytes = 0
    throttle()
  }

  source.on('data', (chunk: Buffer) => rewrite(chunk).forEach(receive))
  source.on('end', () => receive(null))
  throttle()
  return {
    hold() {
      isHeld = true
      throttle()
    },
    release() {
      isHeld = false
      throttle()
      void pump()
    },
    vanish: lose,
    segment(maxBytes) {
      segmentBytes = maxBytes
    },
    interceptNext(listener) {
      intercept = listener
    },
    endTarget() {
      lose()
      target.end()
    },
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done)
      resolve()
    }
    socket.once('drain', done).once('close', done)
    if (socket.destroyed) done()
  })
}
