// A browser's part: the real client with a real socket, its collections and listeners, and what they showed.
import { type Collection, createRealtimeClient, type RealtimeClient } from '@dnr/client'
import type { Entities } from '@dnr/task-board/src/shared/task.ts'
import { WebSocket } from 'ws'
import type { HeardEvent, JournalEntry, Place, Row, ShownRows, Stream, View } from '../checks/evidence.ts'
import { findTear } from './bundle.ts'

export interface LiveClient {
  readonly client: RealtimeClient<Entities>
  readonly socketCount: number
  /** Opens rows and watches them. */
  show(view: View, query?: Pick<ShownRows, 'orderBy' | 'limit'>): Shown
  /** Listens to a channel as its subscribers do, and keeps what it hears. */
  hear(view: View): { readonly stream: Stream; readonly isLive: () => boolean }
  /** Breaks the connection without a close frame. */
  cut(): void
  [Symbol.dispose](): void
}

export interface Shown {
  /** As it is now. */
  evidence(): ShownRows
  readonly isLive: () => boolean
  readonly collection: Collection<Row>
}

export interface LiveClientOptions {
  readonly url: string
  readonly token: string
  readonly random: () => number
  readonly heartbeatIntervalMs?: number
  readonly heartbeatTimeoutMs?: number
  readonly connectTimeoutMs?: number
  readonly requestTimeoutMs?: number
}

/** The longest back-off of these clients. */
export const BACKOFF_MAX_MS = 500

/** Listeners to a channel of rows have a subscription of their own on the wire, beside those of collections. */
const LISTENER_KEY = 'e'

export function openLiveClient({ url, token, ...options }: LiveClientOptions): LiveClient {
  const sockets: WebSocket[] = []
  const client = createRealtimeClient<Entities>({
    url,
    getToken: () => token,
    backoffBaseMs: 50,
    backoffMaxMs: BACKOFF_MAX_MS,
    connectTimeoutMs: 2_000,
    requestTimeoutMs: 2_000,
    heartbeatIntervalMs: 1_000,
    heartbeatTimeoutMs: 1_000,
    lingerMs: 0,
    createSocket(address, protocols) {
      const socket = new WebSocket(address, protocols)
      sockets.push(socket)
      return socket
    },
    ...options,
  })

  const show: LiveClient['show'] = (view, { orderBy = [], limit } = { orderBy: [] }) => {
    const tears = new Set<string>()
    const collection = client.collection('Task', {
      orderBy: orderBy as never,
      ...(view.where && { where: view.where }),
      ...(limit !== undefined && { limit }),
    }) as unknown as Collection<Row>
    // A window may cut through a bundle; what is kept behind it may not.
    collection.allRows.subscribe((rows) => {
      const tear = findTear(rows as never)
      if (tear !== null) tears.add(tear)
    })
    return {
      collection,
      isLive: () => collection.status.peek() === 'live',
      evidence: () => ({
        view,
        orderBy,
        ...(limit !== undefined && { limit }),
        rows: collection.rows.peek(),
        tears: [...tears],
      }),
    }
  }

  const hear: LiveClient['hear'] = (view) => {
    const journal: JournalEntry[] = []
    const channel = view.id === undefined ? 'entity:Task' : (`entity:Task:${view.id}` as const)
    let last: Place | null = null
    client.on('message', (message) => {
      if (message.type !== 'subscribed' || message.channel !== channel) return
      if (message.subscription !== LISTENER_KEY) return
      const { position, recovered } = message.payload as { position: Place; recovered: boolean }
      journal.push({ kind: 'asked', position: last })
      journal.push({ kind: 'subscribed', position, recovered, rows: null, at: Date.now() })
      last ??= position
    })
    const subscription = client.subscribe(channel, {
      event(event) {
        journal.push({ kind: 'event', event: event as unknown as HeardEvent })
        last = event.position ?? last
      },
    })
    return { stream: { view, journal }, isLive: () => subscription.status.peek() === 'live' }
  }

  return {
    client,
    get socketCount() {
      return sockets.length
    },
    show,
    hear,
    cut: () => sockets.at(-1)?.terminate(),
    [Symbol.dispose]() {
      client.close()
      for (const socket of sockets) socket.terminate()
    },
  }
}
