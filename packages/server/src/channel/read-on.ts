// Who is live and was not sent a long transaction reads it from the log, without a frame to ask for it. Comes from
// channel-manager.ts; next: replay.ts.
//
//   live ─muted at once→ its turn → the log after the position → live
//              └─the log does not reach back, or cannot be read, or something else is asked for→ `unsubscribed`: the client asks anew
import type { Position } from '@dnr/protocol'
import { beginOwnAttempt, endAttempt, isCurrent } from './attempt.ts'
import type { CatchUpContext } from './catch-up.ts'
import { mute } from './channel-registry.ts'
import { replay } from './replay.ts'
import type { Attempt, Subscription, SubscribeResult } from './subscription.ts'

/** Lets a live subscription, which has been sent everything up to `from`, read what follows. */
export type ReadOn = (subscription: Subscription, from: Position) => void

export function createReadOn(context: CatchUpContext): ReadOn {
  const { endings } = context

  const read = async (subscription: Subscription, attempt: Attempt, from: Position): Promise<void> => {
    const { connection } = subscription
    try {
      const replayed = await replay(subscription, from, { announce: null, shownTo: from }, context)
      if (!isCurrent(connection, attempt)) return
      if (replayed === 'live') endAttempt(connection, attempt)
      else endings.letGo(subscription, attempt)
    } catch (error) {
      context.onError(error, 'reading on after a long transaction')
      if (isCurrent(connection, attempt)) endings.letGo(subscription, attempt)
    }
  }

  return (subscription, from) => {
    const { connection, key } = subscription
    if (connection.attempts?.has(key) === true) return endings.sendAway(subscription)
    mute(subscription)
    const attempt = beginOwnAttempt(subscription)
    const before = connection.reading
    const inTurn = async (): Promise<SubscribeResult> => {
      await before
      if (isCurrent(connection, attempt)) await read(subscription, attempt, from)
      if (connection.reading === reading) connection.reading = null
      return subscription.index >= 0 ? 'installed' : 'refused'
    }
    const reading = inTurn()
    connection.reading = reading
    attempt.result = reading
  }
}
