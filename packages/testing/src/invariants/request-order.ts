// Questions and answers of one connection: each is answered once, those of one subscription in the order in which they were asked,
// and nothing comes for a subscription that is over. Holds what is not answered yet; knows nothing of rows.
import type { Wrong } from './wire-sequence.ts'

/** A frame in either direction, as far as it is looked at. */
export interface OrderedFrame {
  readonly type: string
  readonly channel?: unknown
  readonly requestId?: unknown
  readonly subscription?: unknown
  readonly ended?: unknown
  readonly payload?: unknown
}

export interface RequestOrder {
  /** The client has asked for something. */
  received(frame: OrderedFrame): void
  /** What is wrong with a frame that is sent; `null`: nothing. */
  sent(frame: OrderedFrame): Wrong | null
  /** A request that should have been answered by now; `null`: there is none. */
  readonly unanswered: string | null
}

/** One subscription: its requests in order, and whether anything may be said of it beside their answers. */
interface Asked {
  readonly requestIds: string[]
  isOver: boolean
}

const OF_SUBSCRIPTIONS = /^(subscribe|unsubscribe)$/
const ALWAYS_ANSWERED = /^(subscribe|unsubscribe|ping|mutate)$/
/** What is said of a subscription; an error or an echo may be the answer to something that was said without an id. */
const TELLS = /^(subscribed|snapshot|message|entity:.*|presence:(join|update|sync))$/
/** What brings a subscription to life again: its answer, and, where people are, to come there. */
const BEGINS = /^(subscribed|presence:sync)$/

export function createRequestOrder(): RequestOrder {
  const askedByKey = new Map<string, Asked>()
  /** A client may have used an id again: then it is answered as often. */
  const openById = new Map<string, { count: number; readonly type: string }>()

  const answersWhat = (requestId: string): Wrong | null => {
    const open = openById.get(requestId)
    if (open === undefined) return { what: `request ${requestId} was answered already, or never made` }
    if (--open.count === 0) openById.delete(requestId)
    return null
  }

  const answersInOrder = (asked: Asked | undefined, requestId: string): Wrong | null => {
    const place = asked?.requestIds.indexOf(requestId) ?? -1
    if (asked === undefined || place < 0) return null
    const [first] = asked.requestIds.splice(place, 1)
    const before = place === 0 ? undefined : asked.requestIds[0]
    return before === undefined
      ? null
      : { what: `${first} was answered before ${before}, which was asked first` }
  }

  const note = (asked: Asked | undefined, frame: OrderedFrame): Wrong | null => {
    if (asked === undefined) return null
    const { type, requestId, ended } = frame
    if (requestId !== undefined && BEGINS.test(type)) asked.isOver = false
    if (type === 'unsubscribed' || ended === true) asked.isOver = true
    return asked.isOver && TELLS.test(type) ? { what: `${type} for a subscription that is over` } : null
  }

  return {
    received({ type, channel, requestId, payload }) {
      const { subscription } = (payload ?? {}) as { readonly subscription?: unknown }
      const key = keyOf(channel, subscription)
      const asked = askedByKey.get(key) ?? { requestIds: [], isOver: false }
      if (typeof channel === 'string' && OF_SUBSCRIPTIONS.test(type)) askedByKey.set(key, asked)
      // An answer without an id is not told from what comes unasked.
      if (typeof requestId !== 'string') {
        if (type === 'subscribe' || type === 'presence:join') asked.isOver = false
        return
      }
      if (OF_SUBSCRIPTIONS.test(type)) asked.requestIds.push(requestId)
      openById.set(requestId, { type, count: (openById.get(requestId)?.count ?? 0) + 1 })
    },
    sent(frame) {
      const { channel, subscription, requestId } = frame
      const asked = askedByKey.get(keyOf(channel, subscription))
      if (typeof requestId !== 'string') return note(asked, frame)
      return answersWhat(requestId) ?? answersInOrder(asked, requestId) ?? note(asked, frame)
    },
    get unanswered() {
      for (const [requestId, { type }] of openById)
        if (ALWAYS_ANSWERED.test(type)) return `${type} ${requestId}`
      return null
    },
  }
}

/** Channel and the client's own key name a subscription. */
function keyOf(channel: unknown, subscription: unknown = ''): string {
  return `${String(channel)} ${String(subscription)}`
}
