// Recognises those who wait for their turn to subscribe. Nobody is told that they wait, but what they say behind their subscribe
// waits with it: a `ping` and an `unsubscribe` are answered at the moment in which they are handled.
import type { Clock } from '@dnr/protocol'
import type { LinkWatcher } from '@dnr/testing'
import type { Coverage } from '../coverage.ts'

export interface EdgesOfWaitingOptions {
  readonly coverage: Coverage
  readonly clock: Clock
}

export interface EdgesOfWaiting extends LinkWatcher {
  rightsChanged(): void
}

interface Frame {
  readonly type: string
  readonly channel?: string
  readonly requestId?: string
  readonly subscription?: string
  readonly payload?: { readonly subscription?: string }
}

interface Said {
  readonly atMark: number
  readonly rights: number
  /** Is it to end a subscription that was asked for and not answered? */
  readonly endsUnanswered: boolean
}

const ANSWERED_AT_ONCE = /^(ping|unsubscribe)$/

export function createEdgesOfWaiting({ coverage, clock }: EdgesOfWaitingOptions): EdgesOfWaiting {
  const saidByLink = new Map<string, Map<string, Said>>()
  const unanswered = new Map<string, string>()
  let rights = 0

  const handled = ({ atMark, endsUnanswered, ...before }: Said): void => {
    if (clock.monotonic() <= atMark) return
    coverage['subscribe waited for its turn']++
    if (endsUnanswered) coverage['unsubscribed while waiting to subscribe']++
    if (rights !== before.rights) coverage['rights changed while waiting to subscribe']++
  }

  return {
    rightsChanged() {
      rights++
    },
    opened: ({ name }) => void saidByLink.set(name, new Map()),
    received({ name }, text) {
      const { type, channel, requestId, payload } = JSON.parse(text) as Frame
      if (requestId === undefined) return
      const key = keyOf(name, channel, payload?.subscription)
      if (type === 'subscribe') unanswered.set(key, requestId)
      if (!ANSWERED_AT_ONCE.test(type)) return
      const endsUnanswered = type === 'unsubscribe' && unanswered.has(key)
      const said = { atMark: clock.monotonic(), rights, endsUnanswered }
      saidByLink.get(name)?.set(keyOf(requestId, channel, payload?.subscription), said)
    },
    sent({ name }, text) {
      const { type, channel, requestId, subscription } = JSON.parse(text) as Frame
      if (requestId === undefined) return
      const key = keyOf(name, channel, subscription)
      if (unanswered.get(key) === requestId) unanswered.delete(key)
      if (type !== 'pong' && type !== 'unsubscribed') return
      const own = saidByLink.get(name)
      const said = own?.get(keyOf(requestId, channel, subscription))
      own?.delete(keyOf(requestId, channel, subscription))
      if (said !== undefined) handled(said)
    },
    closed({ name }, code) {
      const own = saidByLink.get(name)?.values() ?? []
      saidByLink.delete(name)
      if (code === CUT && [...own].some(({ atMark }) => atMark < clock.monotonic()))
        coverage['cut while waiting to subscribe']++
    },
  }
}

/** As a socket ends that is told nothing. */
const CUT = 1006

function keyOf(...parts: readonly (string | undefined)[]): string {
  return parts.join(' ')
}
