// Presence on a host of its own: principals by connection, permissions that can be held back, and all that was sent.
import type { ChannelName, ClientMessage, Member, Principal } from '@dnr/protocol'
import { createManualClock, type ManualClock } from '@dnr/testing'
import { presence, type PresenceHost, type PresenceOptions, type PresenceSession } from '../../src/server.ts'

export interface Sent {
  readonly to: string
  readonly type: string
  readonly users: readonly Member[]
  readonly requestId: string | undefined
}

export interface Setting {
  readonly clock: ManualClock
  readonly session: PresenceSession
  /** Codes of the refusals so far. */
  readonly refused: string[]
  readonly subscribers: Map<string, Set<string>>
  /** How often something was encoded. */
  readonly encodings: () => number
  connect(connectionId: string, userId: string, name?: string, more?: object): void
  /** Sends, in the tick of the caller. */
  post(
    connectionId: string,
    type: string,
    payload?: unknown,
    more?: { channel?: string; requestId?: string },
  ): void
  /** Sends, and lets everything be told. */
  say(
    connectionId: string,
    type: string,
    payload?: unknown,
    more?: { channel?: string; requestId?: string },
  ): Promise<void>
  watch(connectionId: string, channel?: ChannelName): void
  unwatch(connectionId: string, channel?: ChannelName): void
  drop(connectionId: string, code: number, silentMs?: number, reason?: string): void
  /** Lets what is gathered be told. */
  settle(): Promise<void>
  /** Holds back permissions until they are released. */
  holdPermissions(): () => void
  sent(): Sent[]
  /** What was sent since the last call, as `receiver type users`, in order of the receivers. */
  take(): string[]
}

const BOARD: ChannelName = 'presence:board'
/** Longer than a small room's window. */
const SETTLED_MS = 30

export function setUp(options: PresenceOptions = {}): Setting {
  const clock = createManualClock()
  const principals = new Map<string, Principal>()
  const subscribers = new Map<string, Set<string>>()
  const asked = new Set<string>() // subscribed to in so many words
  const refused: string[] = []
  let sent: Sent[] = []
  let encodings = 0
  let held: Promise<void> = Promise.resolve()

  const install = (id: string, channel: ChannelName): void =>
    void subscribers.set(channel, (subscribers.get(channel) ?? new Set()).add(id))

  const host: PresenceHost = {
    clock,
    connection: (id) => (principals.has(id) ? { id, principal: principals.get(id) ?? null } : undefined),
    subscribe: async (id, channel) => {
      if (channel === 'presence:secret') return 'refused'
      await held
      install(id, channel)
      return 'installed'
    },
    unsubscribe(id, channel) {
      if (!asked.has(`${id} ${channel}`)) subscribers.get(channel)?.delete(id)
    },
    subscribers: (channel) => subscribers.get(channel) ?? [],
    send(ids, { type, payload, requestId }) {
      encodings++
      const { users } = payload as { users: Member[] }
      for (const to of ids) if (principals.has(to)) sent.push({ to, type, users, requestId })
    },
    refuse: (_, { code }) => void refused.push(code),
  }
  const session = presence({ ttlMs: 1_000, ...options }).start(host)

  const post: Setting['post'] = (id, type, payload, { channel = BOARD, requestId } = {}) => {
    const message = {
      type,
      channel,
      ...(payload === undefined ? {} : { payload }),
      ...(requestId === undefined ? {} : { requestId }),
    }
    void session.message(id, message as ClientMessage)
  }
  const settle = (): Promise<void> => clock.advance(SETTLED_MS)

  return {
    clock,
    session,
    refused,
    subscribers,
    encodings: () => encodings,
    connect: (id, userId, name, more) =>
      void principals.set(id, { id: userId, ...(name === undefined ? {} : { name }), ...more }),
    post,
    async say(...message) {
      post(...message)
      await settle()
    },
    watch(id, channel = BOARD) {
      install(id, channel)
      asked.add(`${id} ${channel}`)
      session.subscribed(id, channel)
    },
    unwatch(id, channel = BOARD) {
      subscribers.get(channel)?.delete(id)
      asked.delete(`${id} ${channel}`)
      session.unsubscribed(id, channel)
    },
    drop(id, code, silentMs, reason = '') {
      for (const ids of subscribers.values()) ids.delete(id)
      principals.delete(id)
      session.disconnected(id, silentMs === undefined ? { code, reason } : { code, reason, silentMs })
    },
    settle,
    holdPermissions() {
      const { promise, resolve } = Promise.withResolvers<void>()
      held = promise
      return resolve
    },
    sent: () => sent,
    take() {
      const lines = sent.map(({ to, type, users, requestId }) => {
        const names = users.map(({ id, connections }) => `${id}×${connections}`).join(',')
        return `${to} ${type} ${names}${requestId === undefined ? '' : ` ${requestId}`}`
      })
      sent = []
      return lines.sort()
    },
  }
}
