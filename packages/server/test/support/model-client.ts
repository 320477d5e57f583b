// A client as PROTOCOL.md describes it: whole transactions, versions, positions, deaf from a request to its answer. Shows the rows of
// one channel, and fails at what a client must not be told.
import type { Position } from '@dnr/protocol'
import { expect } from 'vitest'
import type { Received } from './test-server.ts'

const CHANNEL = 'entity:Task'

interface ModelRow {
  readonly id: string
  readonly version: number
}

export interface ModelClient {
  readonly rows: ReadonlyMap<string, ModelRow>
  /** Has its subscription ended, so that it has to ask anew? */
  readonly mustAsk: boolean
  /** Events that stood for several changes. */
  readonly conflations: number
  /** The request that comes next. */
  asks(): object
  apply(messages: readonly Received[]): void
}

/** `where`: shows these rows of the channel alone. */
export function createModelClient(where?: object): ModelClient {
  const rows = new Map<string, ModelRow>()
  let position: Position | null = null
  let readTo: Position | undefined
  let grant: string | null = null
  let batch: Received[] = []
  /** Whole transactions that came before the last part of a snapshot. */
  let later: Received[][] = []
  let replacing: Map<string, ModelRow> | null = null
  let begin: Position | null = null
  let asked = 0
  let isDeaf = true
  let mustAsk = false
  let conflations = 0

  const beginAnew = (): void => {
    batch = []
    later = []
    replacing = null
  }

  const rowsOf = (part: {
    readonly rows: readonly ModelRow[]
    readonly more: boolean
    readonly readTo?: Position
    readonly grant?: string
  }): void => {
    replacing ??= new Map()
    for (const row of part.rows) replacing.set(row.id, row)
    if (part.more) return
    readTo = part.readTo
    grant = part.grant ?? grant
    position = begin
    rows.clear()
    for (const [id, row] of replacing) rows.set(id, row)
    replacing = null
    for (const events of later.splice(0)) settle(events)
  }

  const settle = (events: readonly Received[]): void => {
    for (const { type, payload, position: at, reason } of events) {
      const isReasoned = reason !== undefined
      expect(at.offset).toBeGreaterThan((position?.offset ?? -1) - (isReasoned ? 1 : 0))
      const known = rows.get(payload.id)
      const least = (known?.version ?? 0) + (isReasoned ? 0 : 1)
      if (payload.version !== undefined && payload.version < least) continue
      if (type === 'entity:deleted') rows.delete(payload.id)
      else rows.set(payload.id, payload)
    }
    position = events.at(-1)?.position ?? position
  }

  const subscribed = ({ payload, requestId }: Received): void => {
    grant = payload.grant as string
    // Rights changed, and the subscription goes on.
    if (requestId === undefined && payload.recovered === true) return
    beginAnew()
    begin = payload.position as Position
    if (payload.recovered !== true) readTo = undefined
    position = payload.snapshot?.more === true ? null : begin
    if (payload.snapshot !== undefined) rowsOf(payload.snapshot)
  }

  const event = (message: Received): void => {
    if (message['conflated'] !== undefined) conflations++
    batch.push(message)
    if (message['more'] === true) return
    const events = batch
    batch = []
    if (replacing === null) settle(events)
    else later.push(events)
  }

  const hear = (message: Received): void => {
    const { type, requestId, channel } = message
    if (channel !== CHANNEL) return
    const isAnswer = requestId === `req_${asked}`
    if (type === 'subscribed' && isAnswer) isDeaf = false
    if (type === 'error' ? !isAnswer && (isDeaf || requestId !== undefined) : isDeaf) return
    if (type === 'unsubscribed' || type === 'error') {
      mustAsk = true
      isDeaf = true
    } else if (type === 'subscribed') subscribed(message)
    else if (type === 'snapshot') rowsOf(message.payload)
    else if (type.startsWith('entity:')) event(message)
  }

  return {
    rows,
    get mustAsk() {
      return mustAsk
    },
    get conflations() {
      return conflations
    },
    asks() {
      beginAnew()
      isDeaf = true
      mustAsk = false
      const had = position && { position, ...(readTo && { readTo }) }
      const payload = { snapshot: true, grant, ...had, ...(where && { query: { where } }) }
      return { type: 'subscribe', channel: CHANNEL, requestId: `req_${++asked}`, payload }
    },
    apply: (messages) => messages.forEach(hear),
  }
}
