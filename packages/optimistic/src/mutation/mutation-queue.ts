// First station of a write: sends what the overlay holds, one mutation of a record after the other, different records at once, and
// settles each mutation once. Holds no rows. Next: rebase/entity-overlay.ts shows it.
import { type BackoffOptions, fullJitterDelayMs } from '@dnr/internal'
import { type Clock, DnrError, type Position, toDnrError, type VersionConflict } from '@dnr/protocol'
import { batch, effect, type ReadonlySignal, signal } from '@preact/signals-core'
import type { ConfirmedBatch, VersionedRow } from '../ports/confirmed-rows.ts'
import type { MutationAnswer, MutationRequest, MutationTransport } from '../ports/mutation-transport.ts'
import { awaits, type Lane, rowBefore, touchLane, type View } from '../rebase/entity-overlay.ts'
import { becomes, cleanFields, combinePatches, type Fields, hasUpdater, updates } from '../rebase/replay.ts'
import { isContested } from './conflict.ts'
import { isStored, type Mutation } from './mutation.ts'
import { enter, type MutationPhase } from './mutation-state.ts'

export interface MutationQueueOptions {
  readonly transport: MutationTransport
  readonly clock: Clock
  readonly random: () => number
  readonly retry: BackoffOptions
  /** A mutation failed for good, and its author may want to try again. */
  onFailed(mutation: Mutation, error: DnrError): void
  /** From now on somebody else writes. */
  onOtherUser(): void
}

export interface MutationQueue {
  readonly pendingCount: ReadonlySignal<number>
  /** Why nothing is sent: the server asked who we are. */
  readonly paused: ReadonlySignal<DnrError | null>
  enqueue(mutation: Mutation): void
  /** Shows and sends what a lane has become. */
  changed(lane: Lane): void
  /** Settles a mutation as stored; false: it is settled already. `seenBy` is the view that saw its echo. */
  stored(mutation: Mutation, row: VersionedRow | null, position: Position | null, seenBy?: View): boolean
  /** Settles a mutation as failed. `isKept`: for `failed` and `onError` as well. */
  refuse(mutation: Mutation, error: DnrError, isKept: boolean): void
  /** What a view has applied; without a batch: its status is another, or it was closed. */
  applied(view: View, batch?: ConfirmedBatch<VersionedRow>): void
  resume(): void
  close(): void
}

export function createMutationQueue(options: MutationQueueOptions): MutationQueue {
  const { transport, clock, random, retry, onFailed, onOtherUser } = options
  const pending = new Set<Mutation>()
  const settling = new Set<Mutation>()
  const pendingCount = signal(0)
  const paused = signal<DnrError | null>(null)
  const abort = new AbortController()
  let lanesToSend: Lane[] = []

  /** The one place where a state changes. */
  function move(mutation: Mutation, next: MutationPhase): boolean {
    const life = enter(mutation.life, next)
    if (life === mutation.life) return false
    mutation.life = life
    mutation.cancel?.()
    mutation.isHeld = false
    if (next === 'acked' || next === 'synced' || next === 'failed') {
      mutation.state.value = next
      pending.delete(mutation)
      pendingCount.value = pending.size
    }
    return true
  }

  function changed(lane: Lane): void {
    touchLane(lane)
    sendSoon(lane)
  }

  function remove(mutation: Mutation): void {
    const { mutations } = mutation.lane
    mutations.splice(mutations.indexOf(mutation), 1)
    changed(mutation.lane)
  }

  function behind(mutation: Mutation): readonly Mutation[] {
    const { mutations } = mutation.lane
    return mutations.slice(mutations.indexOf(mutation) + 1)
  }

  // In a microtask, so that what is taken back or amended at once is never sent.
  function sendSoon(lane: Lane): void {
    if (nextOf(lane) && lanesToSend.push(lane) === 1) queueMicrotask(sendHeads)
  }

  function sendHeads(): void {
    const lanes = lanesToSend
    lanesToSend = []
    if (!transport.connected.peek() || paused.peek()) return
    batch(() => {
      for (const lane of lanes) {
        const next = nextOf(lane)
        if (next) send(next)
      }
    })
  }

  function send(mutation: Mutation): void {
    let request: MutationRequest
    try {
      request = requestOf(mutation)
    } catch (error) {
      return refuse(mutation, toDnrError(error, 'internal', 'The updater threw.'))
    }
    move(mutation, 'sending')
    // Nothing to change is nothing to send.
    if (mutation.operation === 'update' && Object.keys(mutation.fields as Fields).length === 0) {
      return void stored(mutation, mutation.base ?? null, null)
    }
    new Promise<MutationAnswer>((resolve) =>
      resolve(transport.mutate(request, { signal: abort.signal })),
    ).then(
      (answer) => answered(mutation, answer.row as VersionedRow | null, answer.position),
      (error: unknown) => failed(mutation, toDnrError(error, 'internal', 'The transport threw.')),
    )
  }

  /** What is sent, settled at the first attempt: a retry says the same. */
  function requestOf(mutation: Mutation): MutationRequest {
    const { lane, operation, id, mutationId, patches } = mutation
    const { entity } = lane.overlay
    const request = { entity, operation, id, mutationId }
    if (operation === 'delete') return request
    if (!mutation.fields) {
      const isComputed = hasUpdater(patches)
      if (isComputed && !(mutation.base = rowBefore(lane, mutation))) {
        throw new DnrError('row_absent', `${entity} ${id} is gone.`)
      }
      mutation.fields = combinePatches(mutation.base, patches)
      if (isComputed) showFields(mutation)
    }
    const base = mutation.usesVersion && operation === 'update' && mutation.base
    return { ...request, fields: { ...mutation.fields }, ...(base && { ifVersion: base.version }) }
  }

  /** From now on an update makes the same of every row; of one that is older than its base, what it made of that. */
  function showFields(mutation: Mutation): void {
    const change = updates([mutation.fields as Fields])
    const rebase = becomes(mutation.base as VersionedRow)
    if (mutation.operation === 'update') mutation.step = (row) => row && change(rebase(row))
    touchLane(mutation.lane)
  }

  function answered(mutation: Mutation, row: VersionedRow | null, position: Position | null): void {
    const { id, operation } = mutation
    batch(() => {
      if (!stored(mutation, row, position)) return
      // An echo is not absorbed: it tells no exact position, and a view takes all up to a position for known.
      for (const { confirmed } of mutation.lane.overlay.views) {
        // Deleted is deleted, whatever others wrote before that is still to come. What was hidden may be in sight by now.
        const next = operation === 'delete' ? Infinity : (confirmed.byId(id)?.version ?? 0) + 1
        confirmed.absorb({ id, row, version: row?.version ?? next, position })
      }
    })
  }

  function stored(
    mutation: Mutation,
    row: VersionedRow | null,
    position: Position | null,
    seenBy?: View,
  ): boolean {
    return batch(() => {
      if (!move(mutation, 'acked')) return false
      mutation.step = becomes(row)
      mutation.position = position
      // Mutations behind this one were made on top of it. Of a new row that is hidden nobody knows the version.
      if (row || !mutation.base) behind(mutation).forEach((later) => (later.base = row ?? undefined))
      for (const view of mutation.lane.overlay.views) {
        if (view !== seenBy && awaits(view, mutation)) mutation.awaiting.add(view)
      }
      settling.add(mutation)
      mutation.ack.resolve(row)
      caughtUp(mutation)
      return true
    })
  }

  /** Ends a stored mutation when no view has to catch up with it. */
  function caughtUp(mutation: Mutation): void {
    if (mutation.awaiting.size > 0) return changed(mutation.lane)
    settling.delete(mutation)
    move(mutation, 'synced')
    mutation.sync.resolve()
    remove(mutation)
  }

  function refuse(mutation: Mutation, error: DnrError, isKept = true): void {
    batch(() => {
      if (!move(mutation, 'failed')) return
      mutation.error = error
      const dependants = mutation.operation === 'create' ? behind(mutation) : []
      remove(mutation)
      // Nobody has to listen: the failure is in the state, in `failed` and at `onError` too.
      for (const each of [mutation.ack, mutation.sync]) {
        each.promise.catch(() => {})
        each.reject(error)
      }
      if (isKept) onFailed(mutation, error)
      // What was done to a record that never came to be is cancelled, up to its next life.
      for (const dependant of dependants) {
        if (dependant.operation === 'create') return
        const cancelled = new DnrError(
          'cancelled',
          `${mutation.lane.overlay.entity} ${mutation.id} could not be created.`,
          { cause: error },
        )
        refuse(dependant, cancelled, isKept && dependant.operation !== 'delete')
      }
    })
  }

  function failed(mutation: Mutation, error: DnrError): void {
    if (mutation.life.status !== 'sending') return
    // Told by what only a VersionConflict has: there may be two copies of the class in a page, and it need not be loaded for this.
    const current = mutation.fields && (error as Partial<VersionConflict<VersionedRow>>).current
    const isAuth = /^(unauthorized|token_\w+|needs_auth)$/.test(error.code)
    if (!current && !isAuth && !error.retryable) return refuse(mutation, error)
    move(mutation, 'waiting')
    // Who has signed in does not wait for the time that a refusal names.
    mutation.isHeld = !!current || (!isAuth && error.retryAfterMs !== undefined)
    if (current) void merge(mutation, error, current)
    else if (isAuth) paused.value = error
    else if (mutation.isHeld || transport.connected.peek()) retryLater(mutation, error.retryAfterMs)
  }

  function retryLater(mutation: Mutation, atLeastMs = 0): void {
    const delayMs = atLeastMs + fullJitterDelayMs(mutation.life.attempt - 1, retry, random)
    mutation.cancel = clock.setTimeout(() => resumeMutation(mutation), delayMs)
  }

  function resumeMutation(mutation: Mutation): void {
    move(mutation, 'queued')
    sendSoon(mutation.lane)
  }

  /** Another attempt of the same mutation, on top of the row as it is: the first at once, further ones apart from other writers. */
  async function merge(mutation: Mutation, conflict: DnrError, current: VersionedRow): Promise<void> {
    try {
      const merged = await mergeFields(mutation, current)
      if (mutation.life.status !== 'waiting') return
      if (!merged) return refuse(mutation, conflict)
      mutation.base = current
      mutation.fields = cleanFields(merged)
      showFields(mutation)
      if (mutation.life.attempt > 1) retryLater(mutation)
      else resumeMutation(mutation)
    } catch (cause) {
      refuse(mutation, new DnrError('version_conflict', 'The resolver threw.', { cause }))
    }
  }

  function resume(): void {
    paused.value = null
    pending.forEach((mutation) => {
      if (!mutation.isHeld) resumeMutation(mutation)
    })
  }

  /** Ends everything without a trace: what is not known to be stored fails, and no view is waited for. */
  function endAll(error: DnrError): void {
    batch(() => {
      pending.forEach((mutation) => refuse(mutation, error, false))
      settling.forEach((mutation) => {
        mutation.awaiting.clear()
        caughtUp(mutation)
      })
    })
  }

  let author: string | null | undefined
  const stopWatching = effect(() => {
    if (!transport.connected.value) return
    const userId = transport.userId?.peek()
    if (author && userId !== author) {
      endAll(new DnrError('cancelled', 'Somebody else has signed in: the write may have been stored.'))
      onOtherUser()
    }
    author = userId
    resume()
  })

  return {
    pendingCount,
    paused,
    resume,
    stored,
    refuse,
    changed,
    enqueue(mutation) {
      batch(() => {
        mutation.lane.mutations.push(mutation)
        pending.add(mutation)
        pendingCount.value = pending.size
        changed(mutation.lane)
      })
    },
    applied(view, applied) {
      if (applied?.kind === 'answer') return
      batch(() => {
        // No loop: a first snapshot has a change for each row, and comes before the engine has optimised anything.
        applied?.changes.forEach(({ id, row, mutationId }) => {
          const mutation =
            mutationId && view.overlay.lanes.get(id)?.mutations.find((each) => each.mutationId === mutationId)
          if (mutation) stored(mutation, row, applied.position, view)
        })
        for (const mutation of settling) {
          if (!awaits(view, mutation, applied) && mutation.awaiting.delete(view)) caughtUp(mutation)
        }
      })
    },
    close() {
      stopWatching()
      endAll(new DnrError('closed', 'The manager was closed.'))
      abort.abort()
    },
  }
}

/** The mutation of a lane that can be sent now. */
function nextOf(lane: Lane): Mutation | undefined {
  const head = lane.mutations.find((mutation) => !isStored(mutation))
  return head?.life.status === 'queued' ? head : undefined
}

/** What to write on top of `current`; nothing: give it up. Fields that nobody else changed are mine. */
async function mergeFields(mutation: Mutation, current: VersionedRow): Promise<Fields | null | undefined> {
  const { patches, base, fields, resolve } = mutation as Mutation & { readonly fields: Fields }
  if (hasUpdater(patches)) return combinePatches(current, patches)
  if (!resolve || !isContested(base, fields, current)) return fields
  return resolve(base as never, { ...base, ...fields } as never, current as never) as
    | Fields
    | null
    | undefined
}
