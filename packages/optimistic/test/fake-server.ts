import { createManualClock, drainMicrotasks } from '@dnr/testing'
import { DnrError, type Position, VersionConflict } from '@dnr/protocol'
import { batch, effect, type Signal, signal } from '@preact/signals-core'
import {
  type ConfirmedBatch,
  type ConfirmedRows,
  createOptimisticManager,
  type MutationAnswer,
  type MutationRequest,
  type MutationTransport,
  type OptimisticCollectionOptions,
} from '../src/index.ts'

export interface Task {
  readonly id: string
  readonly version: number
  readonly title: string
  readonly count: number
  readonly rank: number
  readonly status: string
}

export type Change = {
  id: string
  row: Task | null
  version: number | null
  mutationId: string | null
  offset: number
}

/** Confirmed rows that a test feeds by hand, with the rules of a collection of @dnr/client. */
export interface TestRows extends ConfirmedRows<Task> {
  readonly status: Signal<string>
  apply(changes: readonly Change[], offset?: number): void
  resync(rows: readonly Task[], offset: number, epoch?: string): void
}

const compare = (a: Task, b: Task): number => a.rank - b.rank || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)

export function createTestRows(
  initial: readonly Task[] = [],
  matches: (row: Task) => boolean = () => true,
  limit?: number,
): TestRows {
  const byId = new Map(initial.filter(matches).map((row) => [row.id, row]))
  const aheadById = new Map<string, number>()
  const listeners = new Set<(batch: ConfirmedBatch<Task>) => void>()
  const sorted = (): Task[] => [...byId.values()].sort(compare)
  const allRows = signal<readonly Task[]>(sorted())
  const rows = signal<readonly Task[]>(allRows.value.slice(0, limit))
  const status = signal('live')
  let position: Position | null = { epoch: 'e', offset: 0 }

  const tell = (each: ConfirmedBatch<Task>): void =>
    batch(() => {
      for (const listener of listeners) listener(each)
      const next = sorted()
      if (next.length === allRows.value.length && next.every((row, index) => row === allRows.value[index]))
        return
      allRows.value = next
      rows.value = next.slice(0, limit)
    })
  const put = (row: Task): void => void (matches(row) ? byId.set(row.id, row) : byId.delete(row.id))

  return {
    entity: 'Task',
    rows,
    allRows,
    limit,
    status,
    compare,
    matches,
    byId: (id) => byId.get(id),
    get position() {
      return position
    },
    onBatch(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    absorb({ id, row, version, position: at }) {
      if ((at && position && position.offset >= at.offset) || (byId.get(id)?.version ?? 0) >= version) return
      if (at) aheadById.set(id, at.offset)
      if (row === null) byId.delete(id)
      else put(row)
      tell({
        changes: [{ id, row, version, mutationId: null }],
        position: at ?? position ?? { epoch: 'e', offset: 0 },
        kind: 'answer',
      })
    },
    apply(changes, offset = changes.at(-1)?.offset ?? 0) {
      position = { epoch: position?.epoch ?? 'e', offset }
      for (const { id, row, version, offset: at } of changes) {
        const known = byId.get(id)
        if ((aheadById.get(id) ?? -1) >= at || (known && (version ?? Infinity) <= known.version)) continue
        if (row === null) byId.delete(id)
        else put(row)
      }
      tell({ changes, position, kind: 'events' })
    },
    resync(incoming, offset, epoch = 'e') {
      position = { epoch, offset }
      byId.clear()
      aheadById.clear()
      for (const row of incoming) put(row)
      tell({ changes: [], position, kind: 'resync' })
    },
  }
}

export interface Sent {
  readonly request: MutationRequest
  readonly signal: AbortSignal | undefined
  answer(answer: Partial<MutationAnswer>): Promise<void>
  reject(error: unknown): Promise<void>
}

/** A server without a network: the test decides when a request is carried out, when its echo and when its answer arrive. */
export interface FakeServer extends MutationTransport {
  readonly connected: Signal<boolean>
  readonly sent: Sent[]
  readonly rows: Map<string, Task>
  readonly log: Change[]
  /** Carries a request out, once per mutation id, as the real server does. Throws what the server would answer. */
  store(request: MutationRequest): MutationAnswer
  /** A write of somebody else, or the effect of `store`. */
  write(id: string, row: Task | null, mutationId?: string | null): Change
  remote(id: string, fields: Partial<Task>): Change
  last(): Sent
}

export function createFakeServer(initial: readonly Task[] = []): FakeServer {
  const rows = new Map(initial.map((row) => [row.id, row]))
  const storedByMutationId = new Map<string, MutationAnswer>()
  const sent: Sent[] = []
  const log: Change[] = []

  function write(id: string, row: Task | null, mutationId: string | null = null): Change {
    const version = (rows.get(id)?.version ?? log.findLast((each) => each.id === id)?.version ?? 0) + 1
    const change = { id, row: row && { ...row, version }, version, mutationId, offset: log.length + 1 }
    if (change.row) rows.set(id, change.row)
    else rows.delete(id)
    log.push(change)
    return change
  }

  return {
    connected: signal(true),
    sent,
    rows,
    log,
    write,
    mutate: (request, options) =>
      new Promise((resolve, reject) => {
        sent.push({
          request,
          signal: options?.signal,
          answer: ({ row = null, position = null, visible = true }) => (
            resolve({ row, position, visible }),
            drainMicrotasks()
          ),
          reject: (error) => (reject(error), drainMicrotasks()),
        })
      }),
    store({ operation, id, fields, ifVersion, mutationId }) {
      const known = storedByMutationId.get(mutationId)
      if (known) return known
      const before = rows.get(id)
      if (operation === 'create' && before) throw new DnrError('id_taken', 'taken')
      if (operation !== 'create' && !before) throw new DnrError('not_found', 'gone')
      if (before && ifVersion !== undefined && before.version !== ifVersion)
        throw new VersionConflict(before, ifVersion, before.version)
      const change = write(
        id,
        operation === 'delete' ? null : { ...task(id), ...before, ...fields },
        mutationId,
      )
      const answer = { row: change.row, position: { epoch: 'e', offset: change.offset }, visible: true }
      storedByMutationId.set(mutationId, answer)
      return answer
    },
    remote: (id, fields) => write(id, { ...task(id), ...rows.get(id), ...fields }),
    last() {
      const last = sent.at(-1)
      if (!last) throw new Error('Nothing was sent.')
      return last
    },
  }
}

/** A server, a view of all its rows and an optimistic collection over it. */
export function createSetup(initial: readonly Task[] = [], options: OptimisticCollectionOptions<Task> = {}) {
  const server = createFakeServer(initial)
  const confirmed = createTestRows(initial)
  const clock = createManualClock()
  const errors: DnrError[] = []
  const optimistic = createOptimisticManager({
    transport: server,
    clock,
    random: () => 0.5,
    onError: (error) => errors.push(error),
  })
  const tasks = optimistic.collection(confirmed, options)
  return { server, confirmed, clock, errors, optimistic, tasks }
}

export function task(id: string, fields: Partial<Task> = {}): Task {
  return { id, version: 1, title: id, count: 0, rank: 0, status: 'todo', ...fields }
}

/** Writes down every array that `rows` notifies of, the current one included. */
export function watch<T>(rows: { readonly value: readonly T[] }, show: (row: T) => unknown): unknown[][] {
  const seen: unknown[][] = []
  effect(() => void seen.push(rows.value.map(show)))
  return seen
}
