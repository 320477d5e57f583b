// A subscriber that knows the wire and nothing else: it keeps every frame, comes back by itself and asks for what it
// missed by position. What it makes of the frames is the checks' business.
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import type { HeardEvent, JournalEntry, Place, Row, Stream, View } from '../checks/evidence.ts'

export interface RawSubscriber {
  readonly stream: Stream
  readonly isLive: boolean
  /** Everything up to here has come; `null` before the first answer. */
  readonly position: Place | null
  readonly connectionCount: number
  /** Breaks the connection without a close frame. */
  cut(): void
  close(): void
}

export interface RawSubscriberOptions {
  readonly url: string
  readonly token: string
  readonly view: View
  readonly random: () => number
  /** A connection that says nothing for so long is dead. @default 2_000 */
  readonly silenceMs?: number
}

type Frame = Readonly<Record<string, unknown>> & { readonly type: string }

const MOST_PAUSE_MS = 250

/** Connects at once, with a snapshot the first time. */
export function startRawSubscriber(options: RawSubscriberOptions): RawSubscriber {
  const { url, token, view, random, silenceMs = 2_000 } = options
  const journal: JournalEntry[] = []
  const channel = view.id === undefined ? 'entity:Task' : `entity:Task:${view.id}`
  let position: Place | null = null
  let isLive = false
  const closing = new AbortController()
  let connectionCount = 0
  let socket: WebSocket | null = null
  /** A snapshot of which not all chunks have come. */
  let loading: { readonly position: Place; readonly rows: Row[]; readonly events: HeardEvent[] } | null = null
  let isInTransaction = false

  const take = (entry: JournalEntry): void => void journal.push(entry)

  const begin = ({ position: at, recovered, snapshot }: SubscribedPayload): void => {
    if (recovered || snapshot === undefined) {
      take({ kind: 'subscribed', position: at, recovered, rows: null, at: Date.now() })
      isLive = true
      if (!recovered) position = at
      return
    }
    loading = { position: at, rows: [...snapshot.rows], events: [] }
    if (!snapshot.more) finishLoading()
  }

  const finishLoading = (): void => {
    if (loading === null) return
    const { position: at, rows, events } = loading
    loading = null
    take({ kind: 'subscribed', position: at, recovered: false, rows, at: Date.now() })
    position = at
    isLive = true
    events.forEach(hear)
  }

  const hear = (event: HeardEvent): void => {
    if (loading !== null) return void loading.events.push(event)
    take({ kind: 'event', event })
    isInTransaction = event.more === true
    if (!isInTransaction) position = event.position
  }

  const receive = (frame: Frame): void => {
    const { type } = frame
    const payload = frame['payload'] as never
    if (type === 'subscribed') begin(payload)
    else if (type === 'snapshot' && loading !== null) {
      const { rows, more } = payload as SnapshotPayload
      loading.rows.push(...rows)
      if (!more) finishLoading()
    } else if (type.startsWith('entity:')) hear(frame as unknown as HeardEvent)
    else if (type === 'pong' && isLive && !isInTransaction) reach(frame['position'] as Place | undefined)
    else if (type === 'error') socket?.terminate()
  }

  const reach = (at: Place | undefined): void => {
    if (at === undefined) return
    take({ kind: 'reached', position: at })
    if (position !== null && at.offset > position.offset) position = at
  }

  const subscribe = (): object => {
    take({ kind: 'asked', position })
    const query = view.where === undefined ? {} : { query: { where: view.where } }
    const where = position === null ? {} : { position }
    return {
      type: 'subscribe',
      channel,
      payload: { ...where, ...query, snapshot: true, subscription: `raw ${view.team}` },
    }
  }

  /** One connection, from its beginning to its end. */
  const connectOnce = (): Promise<void> =>
    new Promise((resolve) => {
      const own = new WebSocket(`${url}?token=${token}`, { handshakeTimeout: silenceMs })
      socket = own
      const watchdog = setTimeout(() => own.terminate(), silenceMs)
      const pings = setInterval(
        () => own.readyState === own.OPEN && own.send('{"type":"ping"}'),
        silenceMs / 4,
      )
      own.on('error', () => {})
      own.on('message', (data) => {
        watchdog.refresh()
        const frame = JSON.parse((data as Buffer).toString()) as Frame
        if (frame.type === 'connected') own.send(JSON.stringify(subscribe()))
        else if (own === socket) receive(frame)
      })
      own.on('close', () => {
        clearTimeout(watchdog)
        clearInterval(pings)
        isLive = false
        loading = null
        isInTransaction = false
        take({ kind: 'lost' })
        resolve()
      })
    })

  const run = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      connectionCount++
      await connectOnce()
      if (!closing.signal.aborted) await sleep(random() * MOST_PAUSE_MS)
    }
  }
  void run()

  return {
    stream: { view, journal },
    get isLive() {
      return isLive
    },
    get position() {
      return position
    },
    get connectionCount() {
      return connectionCount
    },
    cut: () => socket?.terminate(),
    close() {
      closing.abort()
      socket?.terminate()
    },
  }
}

interface SnapshotPayload {
  readonly rows: readonly Row[]
  readonly more: boolean
}

interface SubscribedPayload {
  readonly position: Place
  readonly recovered: boolean
  readonly snapshot?: SnapshotPayload
}
