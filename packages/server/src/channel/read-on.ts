// Who is installed and was not sent all there was reads it from the log, without a frame to ask for it: whom a long transaction
// concerns, and who was asked about while too much collected. Comes from channel-manager.ts and recheck.ts; next: replay.ts.
//
//   live ─muted at once─┐
//   muted, asked about ─┴→ its turn → the log after the position → live
//              └─the log does not tell all, or cannot be read, or something else is asked for→ `unsubscribed`: the client asks anew
import type { Position } from '@dnr/protocol'
import { beginOwnAttempt, endAttempt, isCurrent } from './attempt.ts'
import type { CatchUpContext } from './catch-up.ts'
import { mute } from './channel-registry.ts'
import { replay } from './replay.ts'
import type { Attempt, Subscription, SubscribeResult } from './subscription.ts'

export interface ReadOn {
  /** Lets a live subscription, which has been sent everything up to `from`, read what follows. */
  begin(subscription: Subscription, from: Position): void
  /** The same for one that is muted; ends its attempt. `refused`: it is not live, which its client knows. */
  read(subscription: Subscription, attempt: Attempt, from: Position): Promise<SubscribeResult>
}

export function createReadOn(context: Omit<CatchUpContext, 'authorize' | 'registry'>): ReadOn {
  const { endings } = context

  /** One reading at a time for each connection, as with those that were asked for. */
  const read: ReadOn['read'] = (subscription, attempt, from) => {
    const { connection } = subscription
    const before = connection.reading
    const inTurn = async (): Promise<SubscribeResult> => {
      try {
        await before
        return await readNow(subscription, attempt, from)
      } catch (error) {
        context.onError(error, 'reading on')
        if (isCurrent(connection, attempt)) endings.askAnew(connection, attempt)
        return 'refused'
      } finally {
        if (connection.reading === reading) connection.reading = null
      }
    }
    const reading = inTurn()
    connection.reading = reading
    return reading
  }

  const readNow: ReadOn['read'] = async (subscription, attempt, from) => {
    const { connection } = subscription
    if (!isCurrent(connection, attempt)) return 'refused'
    const replayed = await replay(subscription, from, { announce: null, shownTo: from }, context)
    if (!isCurrent(connection, attempt)) return 'refused'
    if (replayed === 'live') {
      endAttempt(connection, attempt)
      return 'installed'
    }
    // It may have been sent what lies behind a row that has gone: no position tells that.
    endings.askForRows(connection, attempt)
    return 'refused'
  }

  return {
    read,
    begin(subscription, from) {
      const { connection, key } = subscription
      if (connection.attempts?.has(key) === true) return endings.sendAway(subscription)
      mute(subscription)
      const attempt = beginOwnAttempt(subscription)
      attempt.isAsked = false
      attempt.result = read(subscription, attempt, from)
    },
  }
}
