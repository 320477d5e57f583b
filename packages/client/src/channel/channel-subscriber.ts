// Second station of a frame's way in. Holds the subscriptions on the wire, each with its position, asked for again after every
// reconnect. It keeps no rows: those go on to collection/. Who shares a subscription is decided in shares.ts.
import { fullJitterDelayMs } from '@dnr/internal'
import type { AnyWhere, Clock, DnrError, EntityEvent, Position, ServerMessage, WireRow } from '@dnr/protocol'
import type { Requests } from '../request/requests.ts'
import { readWireError } from '../request/wire-error.ts'
import { createInbox, type Inbox } from './inbox.ts'

/** `loading`: never live yet · `live` · `stale`: was live, comes back by itself · `failed`: refused. */
export type SubscriptionStatus = 'loading' | 'live' | 'stale' | 'failed'

/** Where a subscription's frames end. */
export interface Sink {
  status(status: SubscriptionStatus, error: DnrError | null): void
  /** Everything there is at `position`; comes first, when asked for, and whenever the position did not hold. */
  rows?(rows: readonly WireRow[], position: Position): void
  /** One transaction; no events when only the position moved on. */
  events(events: readonly EntityEvent[], position: Position): void
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

export interface ChannelSubscriberOptions {
  readonly clock: Clock
  readonly random: () => number
  readonly requests: Requests
  send(message: object): DnrError | null
  emit<Name extends keyof ChannelEvents>(name: Name, payload: ChannelEvents[Name]): void
}

export interface ChannelSubscriber {
  /** Subscribes as soon as there is a connection; the undo unsubscribes. */
  open(view: View, sink: Sink): () => void
  receive(message: ServerMessage): void
  /** The connection is up, or gone. */
  ready(isReady: boolean): void
  /** Fails every subscription for good, those to come too. */
  close(error: DnrError): void
}

interface Entry {
  readonly view: View
  readonly sink: Sink
  readonly inbox: Inbox
  status: SubscriptionStatus
  liveAt: number | null
  tries: number
  /** Forgets the question under way, or the timer of the next. */
  withdraw(): void
}

/** A subscription that the server keeps refusing or ending is asked for this often, then given up until a reconnect. */
const MAX_TRIES = 8
const RETRY = { baseMs: 500, maxMs: 30_000 }
/** Live for this long, it was no loop. */
const HELD_MS = 30_000

export function createChannelSubscriber(options: ChannelSubscriberOptions): ChannelSubscriber {
  const { clock, random, requests, send, emit } = options
  const entries = new Map<string, Entry>()
  let isReady = false
  let closed: DnrError | null = null

  function open(view: View, sink: Sink): () => void {
    const { channel } = view
    const inbox = createInbox({
      rows(rows, position) {
        sink.rows?.(rows, position)
        if (entry.liveAt !== null) emit('resynced', { channel, position })
      },
      events: sink.events,
      gap: (from) => emit('gap', { channel, from }),
      live() {
        entry.liveAt = clock.monotonic()
        enter(entry, 'live')
      },
    })
    const entry: Entry = { view, sink, inbox, status: 'loading', liveAt: null, tries: 0, withdraw() {} }
    const name = nameOf(channel, view.key)
    entries.set(name, entry)
    if (closed) enter(entry, 'failed', closed)
    if (isReady) ask(entry)
    return () => {
      if (!entries.delete(name)) return
      quiet(entry)
      if (isReady) send({ type: 'unsubscribe', channel, payload: { subscription: view.key } })
    }
  }

  function enter(entry: Entry, status: SubscriptionStatus, error: DnrError | null = null): void {
    entry.status = status
    entry.sink.status(status, error)
  }

  /** No question, no timer, no frame of it counts any more. */
  function quiet(entry: Entry): void {
    entry.withdraw()
    entry.inbox.cut()
    if (entry.status === 'live') enter(entry, 'stale')
  }

  function ask(entry: Entry): void {
    quiet(entry)
    const { channel, key, where, snapshot } = entry.view
    const position = entry.inbox.position ?? undefined // undefined fields do not travel
    const payload = { position, snapshot, query: where && { where }, subscription: key }
    entry.withdraw = requests.ask({ type: 'subscribe', channel, payload }, (error, answer) => {
      if (error) refused(entry, error)
      else entry.inbox.subscribed((answer as Extract<ServerMessage, { type: 'subscribed' }>).payload)
    })
  }

  function refused(entry: Entry, error: DnrError): void {
    if (entry.status === 'live' && clock.monotonic() - Number(entry.liveAt) > HELD_MS) entry.tries = 0
    quiet(entry)
    if (error.code === 'disconnected') return // asked again when the connection is back
    if (!error.retryable || ++entry.tries > MAX_TRIES) return enter(entry, 'failed', error)
    const delayMs = Math.max(error.retryAfterMs ?? 0, fullJitterDelayMs(entry.tries, RETRY, random))
    entry.withdraw = clock.setTimeout(() => ask(entry), delayMs)
  }

  function receive(message: ServerMessage): void {
    const { type, requestId } = message
    if (type === 'pong') {
      const { position } = message
      if (position) entries.forEach(({ inbox }) => inbox.reached(position))
      return
    }
    const { channel, subscription } = message as { channel?: string; subscription?: string }
    const entry = entries.get(nameOf(channel, subscription))
    if (!entry) return
    if (type === 'subscribed') {
      // With an id it answers a question that was withdrawn; without one our rights have changed, and everything comes anew.
      if (requestId) return
      entry.inbox.cut()
      entry.inbox.subscribed(message.payload)
    } else if (type === 'snapshot') entry.inbox.chunk(message.payload)
    else if (type === 'entity:created' || type === 'entity:updated' || type === 'entity:deleted')
      entry.inbox.event(message)
    else if (type === 'unsubscribed') {
      if (entry.status === 'live') ask(entry) // not ours: the answer to our own finds no live entry
    } else if (
      type === 'error' &&
      !requestId &&
      /^(forbidden|unauthorized|slow_consumer|internal|busy|bad_query)$/.test(message.payload.code)
    ) {
      refused(entry, readWireError(message))
    } else entry.sink.message?.(message)
  }

  return {
    open,
    receive,
    ready(now) {
      isReady = now
      for (const entry of entries.values()) {
        entry.tries = 0
        if (now) ask(entry)
        else quiet(entry)
      }
    },
    close(error) {
      closed = error
      for (const entry of entries.values()) {
        quiet(entry)
        enter(entry, 'failed', error)
      }
      entries.clear()
    },
  }
}

function nameOf(channel: string | undefined, key = ''): string {
  return `${key} ${channel}`
}
