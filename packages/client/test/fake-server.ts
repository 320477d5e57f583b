// A server of a hundred lines: one log, positions, filters and snapshots in chunks, over socket pairs. It answers by itself
// unless a test holds a kind of message back, and records everything that clients say.
import {
  type AnyWhere,
  type Clock,
  type EpochRange,
  hasReached,
  holdsPosition,
  matchesWhere,
  type Position,
  type WireRow,
} from '@dnr/protocol'
import { createSocketPair, type SocketPair } from '@dnr/testing'

export interface Heard {
  readonly type: string
  readonly channel?: string
  readonly requestId?: string
  readonly payload?: {
    readonly position?: Position
    readonly readTo?: Position
    readonly snapshot?: boolean
    readonly query?: { readonly where?: AnyWhere }
    readonly subscription?: string
    readonly grant?: string | null
    readonly [field: string]: unknown
  }
}

export interface Write {
  readonly id: string
  /** `null` deletes. */
  readonly fields: Readonly<Record<string, unknown>> | null
}

interface Logged {
  readonly offset: number
  readonly before: WireRow | null
  readonly after: WireRow | null
  readonly version: number
  readonly mutationId: string | undefined
  readonly last: boolean
}

export interface Peer {
  readonly pair: SocketPair
  readonly url: string
  readonly protocols: readonly string[]
  readonly heard: Heard[]
  readonly subscriptions: Map<string, { channel: string; key: string | undefined; where: AnyWhere }>
  say(message: object): void
}

/** Everybody sees all rows. */
const GRANT = 'all'

export type FakeServer = ReturnType<typeof createFakeServer>

export function createFakeServer(clock: Clock, options: { readonly chunkRows?: number } = {}) {
  const peers: Peer[] = []
  const rows = new Map<string, WireRow>()
  const held = new Set<string>()
  const deletedVersions = new Map<string, number>()
  let log: Logged[] = []
  let userId = 'alice'
  let offset = 0
  let floor = 0
  let epochs: EpochRange[] = [{ epoch: 'e1', firstOffset: 1 }]

  const epochOf = (at: number): string =>
    (epochs.findLast(({ firstOffset }) => firstOffset <= at) ?? epochs[0])?.epoch ?? ''
  const position = (at = offset): Position => ({ epoch: epochOf(at), offset: at })
  /** Where the log ends, in the epoch that is written in now. */
  const head = (): Position => ({ epoch: epochs.at(-1)?.epoch ?? '', offset })

  function createSocket(url: string, protocols: string[]): SocketPair['client'] {
    const pair = createSocketPair()
    const heard: Heard[] = []
    const peer: Peer = {
      pair,
      url,
      protocols,
      heard,
      subscriptions: new Map(),
      say(message) {
        const text = JSON.stringify({ ...message, timestamp: clock.now() })
        pair.server.send({ text, byteLength: text.length })
      },
    }
    peers.push(peer)
    pair.server.attach({
      message(text) {
        const message = JSON.parse(text) as Heard
        heard.push(message)
        if (!held.has(message.type)) answer(peer, message)
      },
      binary() {},
      pong() {},
      closed() {
        peer.subscriptions.clear()
      },
    })
    if (!held.has('connected')) welcome(peer)
    return pair.client
  }

  function welcome(peer: Peer): void {
    const limits = { maxSubscriptionsPerConnection: 50, maxFrameBytes: 1_000, maxMessagesPerSecond: 50 }
    const payload = {
      connectionId: `c${peers.indexOf(peer)}`,
      userId,
      protocolVersion: 1,
      heartbeatIntervalMs: 25_000,
      limits,
    }
    peer.say({ type: 'connected', payload })
  }

  function answer(peer: Peer, { type, channel = '', requestId, payload = {} }: Heard): void {
    const key = payload.subscription
    const address = { channel, requestId, subscription: key }
    if (type === 'ping') return peer.say({ type: 'pong', position: head() })
    if (type === 'unsubscribe') {
      peer.subscriptions.delete(`${channel} ${key}`)
      return peer.say({ type: 'unsubscribed', ...address })
    }
    if (type === 'subscribe') subscribe(peer, address, payload)
  }

  function subscribe(
    peer: Peer,
    address: { channel: string; requestId: string | undefined; subscription: string | undefined },
    payload: NonNullable<Heard['payload']>,
  ): void {
    const { channel, subscription: key } = address
    const where = payload.query?.where ?? {}
    peer.subscriptions.set(`${channel} ${key}`, { channel, key, where })
    if (!channel.startsWith('entity:'))
      return peer.say({ type: 'subscribed', ...address, payload: { recovered: false } })
    const { position: from, readTo = from } = payload
    const newest = from && readTo && hasReached(from, readTo) ? from : readTo
    const hasRights = !payload.grant || payload.grant === GRANT
    const holds =
      hasRights && [from, newest].every((at) => at && at.offset >= floor && holdsPosition(epochs, offset, at))
    if (from && holds) {
      peer.say({ type: 'subscribed', ...address, payload: { position: from, recovered: true, grant: GRANT } })
      return replay(
        peer,
        { channel, key, where },
        log.filter((entry) => entry.offset > from.offset),
      )
    }
    if (!payload.snapshot)
      return peer.say({
        type: 'subscribed',
        ...address,
        payload: { position: head(), recovered: false, grant: GRANT },
      })
    const matching = [...rows.values()].filter((row) => matchesWhere(row, where))
    const size = options.chunkRows ?? 100
    const chunks = Array.from({ length: Math.max(1, Math.ceil(matching.length / size)) }, (_, index) =>
      matching.slice(index * size, (index + 1) * size),
    )
    chunks.forEach((chunk, index) => {
      const snapshot = { rows: chunk, more: index < chunks.length - 1 }
      if (index === 0)
        peer.say({
          type: 'subscribed',
          ...address,
          payload: { position: head(), recovered: false, grant: GRANT, snapshot },
        })
      else peer.say({ type: 'snapshot', channel, subscription: key, payload: snapshot })
    })
  }

  function replay(
    peer: Peer,
    { channel, key, where }: { channel: string; key: string | undefined; where: AnyWhere },
    entries: readonly Logged[],
  ): void {
    const events = entries.flatMap((entry) => eventOf(entry, where).map((event) => ({ event, entry })))
    events.forEach(({ event, entry }, index) => {
      const next = events[index + 1]?.entry
      const more = next !== undefined && transactionOf(next) === transactionOf(entry)
      peer.say({ ...event, channel, ...(key && { subscription: key }), ...(more && { more }) })
    })
  }

  const transactionOf = (entry: Logged): number =>
    log.find((other) => other.offset >= entry.offset && other.last)?.offset ?? 0

  function eventOf({ before, after, version, offset: at, mutationId }: Logged, where: AnyWhere): object[] {
    const was = before !== null && matchesWhere(before, where)
    const is = after !== null && matchesWhere(after, where)
    const rest = { position: position(at), mutationId }
    if (is)
      return [
        {
          ...rest,
          type: before === null ? 'entity:created' : was ? 'entity:updated' : 'entity:created',
          payload: after,
          ...(before && !was && { reason: 'entered' }),
        },
      ]
    if (!was || before === null) return []
    if (after === null) return [{ ...rest, type: 'entity:deleted', payload: { id: before.id, version } }]
    return [{ position: position(at), type: 'entity:deleted', payload: { id: before.id }, reason: 'left' }]
  }

  /** Stores writes as one transaction and tells every subscriber. */
  function commit(writes: readonly Write[], mutationId?: string): Position {
    const entries = writes.map(({ id, fields }, index): Logged => {
      const before = rows.get(id) ?? null
      const version = (before?.version ?? deletedVersions.get(id) ?? 0) + 1
      const after = fields === null ? null : { ...before, ...fields, id, version }
      if (after) rows.set(id, after)
      else {
        rows.delete(id)
        deletedVersions.set(id, version)
      }
      return { offset: ++offset, before, after, version, mutationId, last: index === writes.length - 1 }
    })
    log = [...log, ...entries]
    for (const peer of peers) {
      for (const subscription of peer.subscriptions.values()) {
        if (subscription.channel.startsWith('entity:')) replay(peer, subscription, entries)
      }
    }
    return position()
  }

  return {
    createSocket,
    peers,
    rows,
    held,
    commit,
    position,
    welcome,
    answer,
    /** What the last client connection said, by type. */
    heard: (type: string): Heard[] =>
      peers.flatMap((peer) => peer.heard).filter((message) => message.type === type),
    get peer(): Peer {
      const last = peers.at(-1)
      if (!last) throw new Error('no client has connected')
      return last
    },
    /** Who connects from now on. */
    nextUser(id: string) {
      userId = id
    },
    /** Sends the last changes once more to whom they were sent. */
    repeat(count: number) {
      for (const peer of peers)
        peer.subscriptions.forEach((subscription) => replay(peer, subscription, log.slice(-count)))
    },
    /** The log no longer reaches back. */
    trim() {
      floor = offset
      log = []
    },
    /** Another history: older positions hold no more. */
    restore(name: string, at = 0) {
      epochs = [{ epoch: name, firstOffset: at + 1 }]
      offset = at
      floor = at
      log = []
    },
    /** Another process goes on with the log: older positions hold. */
    restart(name: string) {
      epochs.push({ epoch: name, firstOffset: offset + 1 })
    },
    /** Writes made around the log, seen by snapshots alone. */
    put: (row: WireRow) => rows.set(row.id, row),
  }
}
