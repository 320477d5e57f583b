// What a muted subscription is to be sent later: kept while it reads, up to a bound. Holds the bounds; the frames hang on the
// subscription. Comes from channel-manager.ts; next: replay.ts sends them, or reads the log further instead.
import { hasReached } from '@dnr/protocol'
import type { Connection } from '../connection/connection.ts'
import { endOpening } from './channel-registry.ts'
import type { Collected, Opening, Subscription } from './subscription.ts'

/** Bytes that may collect for a connection: of its subscriptions one reads, and the others wait for that. */
const MAX_COLLECTED_BYTES = 524_288
/** The same without rows, where a rule that fails may keep a whole room waiting for a minute. */
const MAX_WORDS_BYTES = 65_536
/** No more frames than this, however small: each costs its place, too. */
const MAX_WORDS = 64
/** What a collected frame takes beside its bytes. */
const PLACE_BYTES = 64

/** A frame for a muted subscription: kept while it reads, dropped when it was read. `true`: to be sent, it is live now. */
export function collect(subscription: Subscription, opening: Opening, collected: Collected): boolean {
  const { readTo } = opening
  const { position } = collected
  if (readTo === null) {
    keep(subscription, opening, collected)
    return false
  }
  if (position === null) return true
  if (hasReached(readTo, position)) return false
  endOpening(subscription)
  return true
}

function keep(subscription: Subscription, opening: Opening, collected: Collected): void {
  if (opening.overflowed) {
    opening.isOutdated ||= collected.isTaken
    return
  }
  const { group, connection } = subscription
  opening.buffered.push(collected)
  opening.bytes += collected.frame.byteLength + PLACE_BYTES
  if (group.grant === null) {
    if (opening.bytes > MAX_WORDS_BYTES || opening.buffered.length > MAX_WORDS) letCollectedGo(opening)
  } else letMostGo(connection)
}

/** Too much: what the most has collected for is let go, so that who reads is not kept from coming to its end. */
function letMostGo({ subscriptions }: Connection): void {
  let bytes = 0
  let most: Opening | null = null
  for (const { group, opening } of subscriptions?.values() ?? []) {
    if (opening === null || group.grant === null) continue
    bytes += opening.bytes
    if (most === null || opening.bytes > most.bytes) most = opening
  }
  if (most !== null && bytes > MAX_COLLECTED_BYTES) letCollectedGo(most)
}

/** The log is read further instead; words of a channel without rows are lost. */
export function letCollectedGo(opening: Opening): void {
  opening.isOutdated ||= opening.buffered.some(({ isTaken }) => isTaken)
  opening.buffered = []
  opening.bytes = 0
  opening.overflowed = true
}

/** All rows are going to be read, be it by other rights than those by which what has collected was heard. */
export function beginCollecting(subscription: Subscription, opening: Opening): void {
  subscription.isApart = opening.overflowed || opening.buffered.length > 0
  letCollectedGo(opening)
  opening.overflowed = false
  opening.isOutdated = false
}

/** What was let go is read from the log; what comes from here on collects again. */
export function restartCollecting(opening: Opening): void {
  if (!opening.overflowed) return
  opening.bytes = 0
  opening.overflowed = false
}
