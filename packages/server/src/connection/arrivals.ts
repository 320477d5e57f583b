// When an open connection's frames are handled. To subscribe is work: when a thousand ask at once, as after a restart, each
// turn of the event loop takes some of them, so that what others say does not wait for all of them. Comes from
// connection-life.ts; next: message-router.ts.
import type { Clock } from '@dnr/protocol'
import { parseClientMessage } from '@dnr/protocol/schemas'
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
  /** It is signed in anew: what has waited for that goes on. */
  goOn(connection: Connection): void
  /** Its socket is gone. What it said before counts, but nobody is there who could hear anything. */
  end(connection: Connection): void
}

/**
 * How long a turn takes those who subscribe, with what they read at once. Of what one poll brings, all the others' frames
 * are handled in the same turn. Where many wait to read already it takes one: what begins now would only wait with them.
 */
const TURN_MS = 1
/** What may wait of one connection; with more it is handled at once, as if there were no turns. */
const MAX_WAITING_SIZE = 65_536
/** What a frame takes beside its characters. */
const PLACE_SIZE = 64

export function createArrivals(
  clock: Clock,
  isCrowded: () => boolean,
  handle: (connection: Connection, text: string) => void,
): Arrivals {
  const queue = new Set<Connection>()
  let endMark = 0
  let isTurning = false

  // The first of a turn always has time: a process that is kept waiting for longer must not wait for ever.
  const hasTime = (): boolean => {
    const now = clock.monotonic()
    if (isTurning) return now < endMark && !isCrowded()
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
    if (queue.size === 0 || !hasTime()) return
    const [connection] = queue
    if (connection !== undefined) handleWaiting(connection, asksToSubscribe)
    afterTick(serve)
  }

  /** The first frame, and what follows up to one that has to wait again: for its own turn, or for an `auth` before it. */
  const handleWaiting = (connection: Connection, waitsAgain: (text: string) => boolean): void => {
    const texts = takeWaiting(connection)
    for (const [place, text] of texts.entries()) {
      const isNext = place === 0 || (isOpen(connection) && !waitsAgain(text))
      if (!isNext) {
        for (const each of texts.slice(place)) wait(connection, each)
        return
      }
      handle(connection, text)
    }
  }

  const takeWaiting = (connection: Connection): readonly string[] => {
    const texts = connection.waiting?.texts ?? []
    connection.waiting = null
    queue.delete(connection)
    return texts
  }

  // Whoever signs in anew waits elsewhere: one queue for a connection, or its frames overtake each other.
  const mustWait = (connection: Connection, text: string): boolean =>
    isOpen(connection) && asksToSubscribe(text) && (queue.size > 0 || !hasTime())

  const wait = (connection: Connection, text: string): void => {
    const waiting = (connection.waiting ??= { texts: [], size: 0 })
    waiting.texts.push(text)
    waiting.size += text.length + PLACE_SIZE
    if (isOpen(connection)) queue.add(connection)
  }

  return {
    take(connection, text) {
      if (connection.waiting === null && !mustWait(connection, text)) return handle(connection, text)
      wait(connection, text)
      if (connection.waiting !== null && connection.waiting.size > MAX_WAITING_SIZE)
        handleWaiting(connection, () => false)
    },
    goOn(connection) {
      if (connection.waiting === null || !isOpen(connection)) return
      queue.add(connection)
      afterTick(serve)
    },
    end(connection) {
      for (const text of takeWaiting(connection)) {
        if (!isOpen(connection)) return
        if (!asksToSubscribe(text) || !isSubscribe(text)) handle(connection, text)
      }
    },
  }
}

function isOpen({ state }: Connection): boolean {
  return state.status === 'open'
}

/** Told without reading it: a frame that speaks of it in another way may wait as well, and one that hides it is handled at once. */
function asksToSubscribe(text: string): boolean {
  return text.includes('"subscribe"')
}

function isSubscribe(text: string): boolean {
  const message = parseClientMessage(text)
  return message.ok && message.value.type === 'subscribe'
}
