// When an open connection's frames are handled. To subscribe is work: when a thousand ask at once, as after a restart, each
// turn of the event loop takes some of them, so that what others say does not wait for all of them. Comes from
// connection-life.ts; next: message-router.ts.
import type { Clock } from '@dnr/protocol'
import { afterTick } from './after-tick.ts'
import type { Connection } from './connection.ts'

/** Frames of one connection that wait for their turn; the first of them asks to subscribe. */
export interface WaitingFrames {
  readonly texts: string[]
  /** What they take: characters, and their places. */
  size: number
}

export interface Arrivals {
  /**
   * Handles a frame at once, unless it asks to subscribe and this turn's time is over, or something waits that the
   * connection said before: a connection's frames are handled in the order in which they came.
   */
  take(connection: Connection, text: string): void
  /** Handles what waits of a connection now, because it ends or has said too much. */
  finish(connection: Connection): void
}

/**
 * How long a turn takes those who subscribe, with what they read at once. Of what one poll brings, all the others' frames
 * are handled in the same turn.
 */
const TURN_MS = 1
/** What may wait of one connection; with more it is handled at once, as if there were no turns. */
const MAX_WAITING_SIZE = 65_536
/** What a frame takes beside its characters. */
const PLACE_SIZE = 64

export function createArrivals(
  clock: Clock,
  handle: (connection: Connection, text: string) => void,
): Arrivals {
  const queue: Connection[] = []
  let endMark = 0
  let isTurning = false

  // The first of a turn always has time: a process that is kept waiting for longer must not wait for ever.
  const hasTime = (): boolean => {
    const now = clock.monotonic()
    if (isTurning) return now < endMark
    isTurning = true
    endMark = now + TURN_MS
    clock.setTimeout(nextTurn, 0)
    return true
  }

  const nextTurn = (): void => {
    isTurning = false
    serve()
  }

  /** One after the other: what the last one can read at once is read first, while all that it needs is at hand. */
  const serve = (): void => {
    if (queue.length === 0 || !hasTime()) return
    const connection = queue.shift()
    if (connection !== undefined) goOn(connection)
    afterTick(serve)
  }

  /** Its first frame, and what follows up to the next that asks to subscribe. */
  const goOn = (connection: Connection): void => {
    const { waiting } = connection
    if (waiting === null) return
    const { texts } = waiting
    connection.waiting = null
    const end = texts.findIndex((text, index) => index > 0 && asksToSubscribe(text))
    const ready = end === -1 ? texts : texts.slice(0, end)
    for (const text of ready) handle(connection, text)
    if (end === -1) return
    for (const text of texts.slice(end)) wait(connection, text)
    if (connection.state.status !== 'open') finish(connection)
  }

  // Whoever signs in anew waits elsewhere: one queue for a connection, or its frames overtake each other.
  const mustWait = ({ state }: Connection, text: string): boolean =>
    state.status === 'open' && asksToSubscribe(text) && (queue.length > 0 || !hasTime())

  const wait = (connection: Connection, text: string): void => {
    if (connection.waiting === null) queue.push(connection)
    const waiting = (connection.waiting ??= { texts: [], size: 0 })
    waiting.texts.push(text)
    waiting.size += text.length + PLACE_SIZE
  }

  const finish = (connection: Connection): void => {
    const { waiting } = connection
    connection.waiting = null
    for (const text of waiting?.texts ?? []) handle(connection, text)
  }

  return {
    take(connection, text) {
      const isNext = connection.waiting === null
      if (isNext && !mustWait(connection, text)) return handle(connection, text)
      wait(connection, text)
      if (connection.waiting !== null && connection.waiting.size > MAX_WAITING_SIZE) finish(connection)
    },
    finish,
  }
}

/** Told without reading it: a frame that speaks of it in another way may wait as well, and one that hides it is handled at once. */
function asksToSubscribe(text: string): boolean {
  return text.includes('"subscribe"')
}
