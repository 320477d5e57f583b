// Who is installed and was not sent all there was reads it from the log, without a frame to ask for it: everybody after a long
// transaction, and who was asked about while too much collected. Comes from channel-manager.ts and recheck.ts; next: replay.ts.
//
//   live ─muted at once→ its turn → the log after the position → live
//              └─the log does not reach back, or cannot be read, or something else is asked for→ `unsubscribed`: the client asks anew
import type { Position } from '@dnr/protocol'
import { beginOwnAttempt, endAttempt, isCurrent } from './attempt.ts'
import type { CatchUpContext } from './catch-up.ts'
import { isInstalled, mute } from './channel-registry.ts'
import { replay } from './replay.ts'
import type { Attempt, Subscription, SubscribeResult } from './subscription.ts'

export interface ReadOn {
  /** Lets a live subscription, which has been sent everything up to `from`, read what follows. */
  begin(subscription: Subscription, from: Position): void
  /** The same for one that is muted; ends its attempt. `false`: it is not live, which its client knows. */
  read(subscription: Subscription, attempt: Attempt, from: Position): Promise<boolean>
}

export function createReadOn(context: Omit<CatchUpContext, 'authorize' | 'registry'>): ReadOn {
  const { endings } = context

  const read: ReadOn['read'] = async (subscription, attempt, from) => {
    const { connection } = subscription
    const replayed = await replay(subscription, from, { announce: null, shownTo: from }, context)
    if (!isCurrent(connection, attempt)) return false
    if (replayed !== 'live') {
      endings.askAnew(connection, attempt)
      return false
    }
    endAttempt(connection, attempt)
    return true
  }

  const begin: ReadOn['begin'] = (subscription, from) => {
    const { connection, key } = subscription
    if (connection.attempts?.has(key) === true) return endings.sendAway(subscription)
    mute(subscription)
    const attempt = beginOwnAttempt(subscription)
    attempt.isAsked = false
    const before = connection.reading
    const inTurn = async (): Promise<SubscribeResult> => {
      await before
      try {
        if (isCurrent(connection, attempt)) await read(subscription, attempt, from)
      } catch (error) {
        context.onError(error, 'reading on after a long transaction')
        if (isCurrent(connection, attempt)) endings.askAnew(connection, attempt)
      }
      if (connection.reading === reading) connection.reading = null
      return isInstalled(subscription) ? 'installed' : 'refused'
    }
    const reading = inTurn()
    connection.reading = reading
    attempt.result = reading
  }

  return { begin, read }
}
