// One subscription on the wire: asked for, live, and asked for again, always from the position that was reached. It knows no
// connection and keeps no rows: frames come from channel-subscriber.ts and go on, in order, through inbox.ts to its sink.
import { fullJitterDelayMs } from '@dnr/internal'
import {
  type AnyWhere,
  type Clock,
  DnrError,
  type EntityEvent,
  type Position,
  type ServerMessage,
  type WireRow,
} from '@dnr/protocol'
import type { Requests } from '../request/requests.ts'
import { lossOf } from '../connection/connection-state.ts'
import { readWireError } from '../request/wire-error.ts'
import { createInbox } from './inbox.ts'

/** `loading`: never live yet · `live` · `stale`: was live, comes back by itself · `failed`: refused. */
export type SubscriptionStatus = 'loading' | 'live' | 'stale' | 'failed'

/** Where a subscription's frames end. */
export interface Sink {
  status(status: SubscriptionStatus, error: DnrError | null): void
  /** Everything there is at `position`; comes first, when asked for, and whenever the position did not hold. */
  rows?(rows: readonly WireRow[], position: Position): void
  /** One transaction; no events when only the position moved on. */
  events(events: readonly EntityEvent[], position: Position): void
  /** The rows are somebody else's: none of them is shown any more. Those of the new user follow. */
  forget?(): void
  /**
   * Does it show what only answers to writes have told? Their history may be lost though the position holds: the rows are then
   * asked for without one. With `at`, which the stream has reached: is one of another epoch beyond it?
   */
  isAhead?(at?: Position): boolean
  /** What is no change of a row. */
  message?(message: ServerMessage): void
}

/** What one subscription asks for. `key` tells several views of a channel apart. */
export interface View {
  readonly channel: string
  readonly key?: string | undefined
  readonly where?: AnyWhere | undefined
  readonly snapshot?: boolean
}

/** What a subscription tells everybody. */
export interface ChannelEvents {
  /** Events of `channel` after `from` are lost to its listeners; what they derived from them must be read anew. */
  readonly gap: { readonly channel: string; readonly from: Position }
  /** The position did not hold: the rows came anew and were applied as a difference. */
  readonly resynced: { readonly channel: string; readonly position: Position }
}

type Subscribed = Extract<ServerMessage, { type: 'subscribed' }>

export interface WireSubscriptionOptions {
  readonly clock: Clock
  readonly random: () => number
  readonly requests: Requests
  emit<Name extends keyof ChannelEvents>(name: Name, payload: ChannelEvents[Name]): void
}

export interface WireSubscription {
  /** The connection is up: asks, from the position that was reached. Or it is gone. Tries are counted anew. */
  ready(isReady: boolean): void
  /** A message of its channel and key. */
  receive(message: ServerMessage): void
  /** Everything up to `position` has been sent to us. */
  reached(position: Position): void
  /** Another subscription of this connection has ended: asks again if there was no place for this one. */
  vacated(): void
  /** Somebody else is connected. The position is kept to tell a gap. */
  forget(): void
  /** Ends in `failed`. */
  fail(error: DnrError): void
}

/** A subscription that the server keeps refusing, ending or beginning anew is asked for this often, then given up until a reconnect. */
const MAX_TRIES = 8
const RETRY = { baseMs: 500, maxMs: 30_000 }
/** Live for this long, it was no loop: the count begins anew. */
const HELD_MS = 10_000
const ANEW = lossOf('busy', 'The server keeps beginning anew.')

/** `vacate` is called when it has failed while connected: its place on the server is free for another. */
export function createWireSubscription(
  { channel, key, where, snapshot }: View,
  sink: Sink,
  { clock, random, requests, emit }: WireSubscriptionOptions,
  vacate: () => void,
): WireSubscription {
  let status: SubscriptionStatus = 'loading'
  /** Since when it has been live with what it was last given. */
  let liveMark: number | null = null
  /** How often it had to be asked for again, or was begun anew, without having asked for that. */
  let tries = 0
  let isCrowdedOut = false
  /** Names the rights that we had at the inbox's position; one that never holds when the rows of then are shown no more. */
  let grant: string | null = null
  /** Was the last question answered? Until then what the server says by itself is about what was there before. */
  let isAnswered = false
  /** Forgets the question under way, or the timer of the next. */
  let withdraw = (): void => {}

  const inbox = createInbox({
    rows(rows, position) {
      sink.rows?.(rows, position)
      if (liveMark !== null) emit('resynced', { channel, position })
    },
    events: sink.events,
    gap: (from) => emit('gap', { channel, from }),
    live() {
      liveMark = clock.monotonic()
      enter('live')
    },
  })

  function enter(next: SubscriptionStatus, error: DnrError | null = null): void {
    status = next
    sink.status(next, error)
  }

  /** It has to be asked for again, or was begun anew. */
  function count(): void {
    if (status === 'live' && clock.monotonic() - (liveMark as number) > HELD_MS) tries = 0
    tries++
  }

  /** No question, no timer, no frame of it counts any more. */
  function quiet(): void {
    isAnswered = false
    withdraw()
    inbox.cut(sink.isAhead?.())
    if (status === 'live') enter('stale')
  }

  function ask(): void {
    isCrowdedOut = false
    quiet()
    // Fields that are undefined do not travel.
    const payload = { ...inbox.from, snapshot, query: where && { where }, subscription: key, grant }
    withdraw = requests.ask({ type: 'subscribe', channel, payload }, (error, answer) => {
      if (error) return refused(error)
      const { payload: subscribed } = answer as Subscribed
      isAnswered = true
      grant = subscribed.grant ?? null
      inbox.subscribed(subscribed)
    })
  }

  function refused(error: DnrError): void {
    count()
    quiet()
    const { code } = error
    if (code === 'disconnected') return // asked again when the connection is back
    isCrowdedOut = code === 'too_many_subscriptions'
    if (!error.retryable || tries > MAX_TRIES) {
      // Who was forbidden to see the rows shows none of them: with the rights of before they would have to be sent again.
      if (code === 'forbidden') grant = code
      // Who had no place leaves none: two of them would go on asking for each other.
      if (!isCrowdedOut) vacate()
      return enter('failed', error)
    }
    // A lone new beginning waits for nothing.
    if (error === ANEW && tries < 2) return ask()
    const delayMs = Math.max(error.retryAfterMs ?? 0, fullJitterDelayMs(tries, RETRY, random))
    withdraw = clock.setTimeout(ask, delayMs)
  }

  return {
    ready(isReady) {
      tries = 0
      if (isReady) ask()
      else quiet()
    },
    reached(position) {
      inbox.reached(position)
      if (status === 'live' && sink.isAhead?.(position)) ask()
    },
    forget() {
      // Somebody else's rights may have the same name, and their rows are not here.
      grant = 'forbidden'
      sink.forget?.()
    },
    receive(message) {
      const { type } = message
      // With an id it answers a question that was withdrawn; without one the server says by itself how we stand.
      const isSaid = isAnswered && !message.requestId
      if (isEntityEvent(message)) inbox.event(message)
      else if (type === 'snapshot') {
        if (isSaid) grant = message.payload.grant ?? grant
        inbox.chunk(message.payload)
      } else if (type === 'subscribed') {
        if (!isSaid) return
        grant = message.payload.grant ?? null
        // It goes on, be it in the middle of a transaction: only its rights are others.
        if (message.payload.recovered) return
        count()
        inbox.cut()
        inbox.subscribed(message.payload)
      } else if (type === 'unsubscribed') {
        if (isSaid) refused(ANEW)
      } else if (type === 'error' && message.ended) {
        if (isAnswered) refused(readWireError(message))
      } else sink.message?.(message)
    },
    vacated() {
      if (isCrowdedOut) ask()
    },
    fail(error) {
      quiet()
      enter('failed', error)
    },
  }
}

function isEntityEvent(message: ServerMessage): message is EntityEvent {
  return /^entity:(created|updated|deleted)$/.test(message.type)
}
