// One tab of one user: the real client and the real overlay. Holds what is open in it; tells the checker what it shows.
import { type Collection, createRealtimeClient, type RealtimeClient, type Subscription } from '@dnr/client'
import {
  createOptimisticManager,
  type OptimisticCollection,
  type OptimisticManager,
  type OptimisticMutation,
} from '@dnr/optimistic'
import { type AnyWhere, DnrError, type WireRow } from '@dnr/protocol'
import type { Host, InvariantChecker, ManualClock, ShownCollection } from '@dnr/testing'
import type { Entities, EntityName } from '../entities.ts'
import type { RareEdge } from '../coverage.ts'
import type { Draw } from '../program/draw.ts'
import type { BareAction } from '../program/operation.ts'
import { createProcessClock } from './process-clock.ts'
import { createSimPeople, type SimPeople } from './sim-people.ts'

type Row = WireRow

export interface OpenCollection {
  readonly entity: EntityName
  readonly where: AnyWhere
  readonly limit: number | undefined
  readonly collection: Collection<Row>
  readonly optimistic: OptimisticCollection<Row>
  shown(): ShownCollection
  close(): void
}

export interface SimClient {
  readonly user: string
  readonly client: RealtimeClient<Entities>
  readonly manager: OptimisticManager
  readonly collections: ReadonlyMap<number, OpenCollection>
  readonly people: SimPeople
  readonly isSuspended: boolean
  open(slot: number, entity: EntityName, where: AnyWhere, limit: number | undefined): void
  close(slot: number): void
  listen(entity: EntityName, id: string): void
  unlisten(entity: EntityName, id: string): void
  /** Asks past the client, which drops the answer. */
  sayBare(action: BareAction): void
  write(
    action: 'create' | 'update' | 'delete',
    entity: EntityName,
    id: string,
    fields: Record<string, unknown>,
    ifVersion: boolean,
  ): void
  /** The same write twice, at the same time, as two retries that overlap. */
  twin(id: string): void
  wake(): void
  suspend(): void
  resume(): void
  /** Everything in it is closed; what was pending is given up. */
  end(): void
}

export interface SimClientOptions {
  readonly user: string
  /** Counts the tabs that the user has had. */
  readonly tab: number
  readonly clock: ManualClock
  readonly host: Host
  readonly draw: Draw
  readonly checker: InvariantChecker
  /** How often rights have changed. */
  rightsChanges(): number
  /** Where the log ended when rights changed last. */
  headAtRights(): number
  /** Do several servers carry writes out? A refusal is known to the one that said it. */
  readonly isShared: boolean
  note(line: string): void
  count(edge: RareEdge): void
  onViolation(): void
}

export function createSimClient(options: SimClientOptions): SimClient {
  const { user, tab, host, draw, checker, note, count } = options
  const name = `${user}.${tab}`
  const clock = createProcessClock(options.clock)
  const { random } = draw
  let wake = (): void => {}
  let isSuspended = false
  const client = createRealtimeClient<Entities>({
    url: 'ws://server/ws',
    getToken: () => user,
    clock,
    random,
    createSocket: host.createSocket,
    environment: {
      listen(listener) {
        wake = () => listener({ type: 'wake' })
        return () => {}
      },
    },
    backoffBaseMs: 100,
    backoffMaxMs: 2_000,
    stableMs: 1_000,
    connectTimeoutMs: 4_000,
    heartbeatIntervalMs: 4_000,
    heartbeatTimeoutMs: 1_500,
    requestTimeoutMs: 3_000,
    lingerMs: 100,
  })
  let isInsideTransaction = false
  client.on('message', (message) => {
    if (message.type.startsWith('entity:')) isInsideTransaction = 'more' in message && message.more === true
  })
  client.connected.subscribe((isConnected) => {
    if (!isConnected && isInsideTransaction) count('cut inside a transaction')
    isInsideTransaction = false
  })
  let ids = 0
  let bare = 0
  /** How often each mutation was sent. */
  const sent = new Map<string, number>()
  const followed = new Set<string>()
  const manager = createOptimisticManager({
    transport: {
      connected: client.connected,
      mutate(mutation, mutateOptions) {
        const { mutationId } = mutation
        sent.set(mutationId, (sent.get(mutationId) ?? 0) + 1)
        return client.mutate(mutation as never, mutateOptions)
      },
    },
    clock,
    random,
    retry: { baseMs: 100, maxMs: 2_000 },
    createId: () => `m_${name}_${++ids}`,
  })
  const people = createSimPeople(client, clock)
  const collections = new Map<number, OpenCollection>()
  const records = new Map<string, Subscription>()

  const open = (slot: number, entity: EntityName, where: AnyWhere, limit: number | undefined): void => {
    closeSlot(slot)
    const query = { where, ...(limit === undefined ? {} : { limit }) }
    const collection = client.collection(entity, query) as unknown as Collection<Row>
    const optimistic = manager.collection(collection)
    const shown = (isWaiting = false): ShownCollection => ({
      name: `${name}/${slot} (${entity} ${JSON.stringify(where)})`,
      principal: user,
      entity,
      where,
      rows: collection.allRows.peek(),
      position: collection.position,
      isWaiting,
    })
    // One that was closed a moment ago has the rows of then.
    let heardAt = collection.position === null ? options.rightsChanges() : -1
    // Up to here answers have told of rows while rights were asked about: by those of before, until the server's word is as far.
    let answeredTo = -1
    const unwatch = collection.onBatch(({ kind, position, changes }) => {
      note(`${name}/${slot} ${kind} at ${position.epoch}:${position.offset} (${changes.length})`)
      // An answer comes while the server asks about rights, or is away; what the server says by itself follows the rights, unless it
      // was under way when they changed.
      const isSince = position.offset > options.headAtRights()
      if (kind !== 'answer' && isSince) heardAt = options.rightsChanges()
      const isWaiting = collection.status.peek() !== 'live' || heardAt !== options.rightsChanges()
      const isDoubtful = kind === 'answer' && isWaiting
      if (isDoubtful) answeredTo = Math.max(answeredTo, position.offset)
      if (kind === 'resync') answeredTo = -1
      const reached = collection.position?.offset ?? -1
      try {
        checker.applied(shown(isDoubtful || reached < answeredTo))
      } catch {
        options.onViolation()
      }
    })
    collections.set(slot, {
      entity,
      where,
      limit,
      collection,
      optimistic,
      shown,
      close() {
        unwatch()
        optimistic.close()
        collection.close()
      },
    })
  }
  const closeSlot = (slot: number): void => {
    collections.get(slot)?.close()
    collections.delete(slot)
  }

  /** The checker hears of the write, and of what became of it. */
  const follow = (mutation: OptimisticMutation<Row>): void => {
    const { mutationId } = mutation
    // Several updates in one batch are one mutation.
    if (followed.has(mutationId)) return
    followed.add(mutationId)
    checker.asked(mutationId, name)
    let isSettled = false
    mutation.acked.then(
      // What changes nothing, or is taken back before it was sent, is never sent.
      () => settle(sent.has(mutationId) ? 'acknowledged' : 'refused'),
      (error: unknown) => {
        const code = error instanceof DnrError ? error.code : 'internal'
        note(`${name} ${mutationId} failed: ${code}`)
        count('refused write')
        const isElsewhere = options.isShared && (sent.get(mutationId) ?? 0) > 1
        settle(code === 'closed' || isElsewhere ? 'unknown' : 'refused')
      },
    )
    const settle = (outcome: 'acknowledged' | 'refused' | 'unknown'): void => {
      if (isSettled) return
      isSettled = true
      note(`${name} ${mutationId} ${outcome}`)
      try {
        checker.settled(mutationId, outcome)
      } catch {
        options.onViolation()
      }
    }
  }

  const followTwin = async (mutationId: string, tries: readonly Promise<unknown>[]): Promise<void> => {
    const results = await Promise.allSettled(tries)
    const isStored = results.some(({ status }) => status === 'fulfilled')
    const isRefused = results.every(
      (result) => result.status === 'rejected' && !(result.reason as DnrError).retryable,
    )
    try {
      checker.settled(mutationId, isStored ? 'acknowledged' : isRefused ? 'refused' : 'unknown')
    } catch {
      options.onViolation()
    }
  }

  const viewOf = (entity: EntityName): OptimisticCollection<Row> | null =>
    [...collections.values()].find((each) => each.entity === entity)?.optimistic ?? null

  return {
    user,
    client,
    manager,
    collections,
    people,
    get isSuspended() {
      return isSuspended
    },
    open,
    close: closeSlot,
    listen(entity, id) {
      const key = `entity:${entity}:${id}` as const
      if (!records.has(key)) records.set(key, client.subscribe(key, {}))
    },
    unlisten(entity, id) {
      const key = `entity:${entity}:${id}`
      records.get(key)?.unsubscribe()
      records.delete(key)
    },
    sayBare({ channel, subscription, ...action }) {
      const [type, asked] =
        action.do === 'bare-subscribe'
          ? ['subscribe', { subscription, snapshot: action.snapshot }]
          : ['unsubscribe', { subscription }]
      client.send({ type, channel, payload: asked, requestId: `own_${++bare}` } as never)
    },
    write(action, entity, id, fields, ifVersion) {
      const view = viewOf(entity)
      if (view === null) return
      try {
        if (action === 'create') follow(view.create({ id, ...fields }))
        else if (action === 'update') follow(view.update(id, fields, ifVersion ? { ifVersion } : {}))
        else follow(view.delete(id))
      } catch (error) {
        // The view says no at once: the row is there already, or is not.
        note(`${name} ${action} ${id}: ${error instanceof DnrError ? error.code : String(error)}`)
      }
    },
    twin(id) {
      const mutationId = `m_${name}_${++ids}`
      const fields = { title: `~twin-${mutationId}~`, team: 'red' }
      checker.asked(mutationId, name)
      const tries = [0, 1].map(() =>
        client.mutate({ entity: 'Task', operation: 'create', id, fields, mutationId }),
      )
      // Without a connection neither leaves.
      if (client.connected.peek()) count('twin of a key in flight')
      void followTwin(mutationId, tries)
    },
    wake: () => wake(),
    suspend() {
      isSuspended = true
      clock.suspend()
      host.link?.stall('to-client')
    },
    resume() {
      isSuspended = false
      clock.resume()
      for (const link of host.links) link.resume('to-client')
    },
    end() {
      for (const slot of collections.keys()) closeSlot(slot)
      for (const record of records.values()) record.unsubscribe()
      records.clear()
      people.close()
      manager.close()
      client.close()
    },
  }
}
