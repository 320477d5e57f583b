// What an application makes once: wires the queue, one overlay per entity and the collections. Holds the overlays; the rules are
// in mutation/ and rebase/.
import { type BackoffOptions, systemClock, systemRandom } from '@dnr/internal'
import { type Clock, DnrError, toDnrError } from '@dnr/protocol'
import { batch, type ReadonlySignal } from '@preact/signals-core'
import {
  createOptimisticCollection,
  type OptimisticCollection,
  type OptimisticCollectionOptions,
} from './collection/optimistic-collection.ts'
import { createFailedMutations, type FailedMutation } from './mutation/failed-mutations.ts'
import { createMutation } from './mutation/mutation.ts'
import { createRandomIds } from './mutation/mutation-id.ts'
import { createMutationQueue } from './mutation/mutation-queue.ts'
import type { ConfirmedRows, VersionedRow } from './ports/confirmed-rows.ts'
import type { MutationTransport } from './ports/mutation-transport.ts'
import { createEntityOverlay, type EntityOverlay, laneOf, rowBefore } from './rebase/entity-overlay.ts'
import { updates } from './rebase/replay.ts'

export interface OptimisticManagerOptions {
  /** Carries the writes: a client of `@dnr/client`, or `httpMutations(…)`. */
  readonly transport: MutationTransport
  /**
   * Hears of every mutation that failed for good and of every updater that threw while it was replayed (once for each replay).
   * @default nobody: failures are in `failed` and in the mutation itself
   */
  readonly onError?: (error: DnrError) => void
  /** Makes ids of mutations and of rows created without one. @default 26 random letters and digits */
  readonly createId?: () => string
  /**
   * How long to wait before a write is sent again, unless the server says when: evenly spread between 0 and
   * `baseMs * 2 ** attempt`, at most `maxMs`. There is no last attempt. @default { baseMs: 500, maxMs: 30_000 }
   */
  readonly retry?: BackoffOptions
  /** @default the system's */
  readonly clock?: Clock
  /** Numbers from 0 up to, not including, 1. @default the system's */
  readonly random?: () => number
}

/**
 * Shows writes before they are stored: pending mutations are replayed over the confirmed rows, each settles once, and the
 * end of one never disturbs another.
 */
export interface OptimisticManager {
  /** Lays the overlay over confirmed rows. Mutations show in every collection of the entity. */
  collection<Row extends VersionedRow>(
    confirmed: ConfirmedRows<Row>,
    options?: OptimisticCollectionOptions<Row>,
  ): OptimisticCollection<Row>
  /** Runs `write` with one notification at its end; several updates of a row in it are one mutation. */
  batch<Result>(write: () => Result): Result
  /** Mutations not known to be stored: ask before a tab closes. */
  readonly pendingCount: ReadonlySignal<number>
  /** Refused mutations of all entities, oldest first, until they are retried or discarded. */
  readonly failed: ReadonlySignal<readonly FailedMutation[]>
  /**
   * The error by which the server asked who we are; nothing is sent while it stands. It goes when the transport connects
   * again, and by `resume()`.
   */
  readonly paused: ReadonlySignal<DnrError | null>
  /** Sends again what waits, after signing in. */
  resume(): void
  /** Fails what is pending with `closed`, empties `failed` and stops for good. */
  close(): void
}

/** Defaults of the options. */
export const OPTIMISTIC_DEFAULTS = { retry: { baseMs: 500, maxMs: 30_000 } } as const

/**
 * Makes a manager; an application needs one.
 *
 * @example
 * const optimistic = createOptimisticManager({ transport: client })
 * const tasks = optimistic.collection(client.collection('Task'))
 * tasks.create({ title: 'Shown at once' })
 */
export function createOptimisticManager(options: OptimisticManagerOptions): OptimisticManager {
  const {
    transport,
    onError,
    createId = createRandomIds(),
    clock = systemClock,
    random = systemRandom,
    retry = OPTIMISTIC_DEFAULTS.retry,
  } = options
  const overlays = new Map<string, EntityOverlay>()
  let currentBatch: object | null = null
  let isOpen = true

  // In a microtask: rows are replayed inside computed signals, where a listener could not write to any.
  const report = (error: DnrError): void => {
    if (onError) queueMicrotask(() => onError(error))
  }
  const failed = createFailedMutations((mutation) => {
    const lane = laneOf(mutation.lane.overlay, mutation.id)
    const isUpdate = mutation.operation === 'update'
    const again = createMutation({
      ...mutation,
      lane,
      base: rowBefore(lane),
      ...(isUpdate && { step: updates(mutation.patches), fields: undefined }),
    })
    queue.enqueue(again)
    return again
  })
  const queue = createMutationQueue({
    transport,
    clock,
    random,
    retry,
    onFailed(mutation, error) {
      failed.add(mutation, error)
      report(error)
    },
    onOtherUser: failed.clear,
  })

  function overlayOf(entity: string): EntityOverlay {
    const overlay =
      overlays.get(entity) ??
      createEntityOverlay(entity, (error) => report(toDnrError(error, 'internal', `The updater threw.`)))
    overlays.set(entity, overlay)
    return overlay
  }

  return {
    pendingCount: queue.pendingCount,
    paused: queue.paused,
    failed: failed.list,
    resume: queue.resume,
    collection<Row extends VersionedRow>(
      confirmed: ConfirmedRows<Row>,
      collectionOptions: OptimisticCollectionOptions<Row> = {},
    ): OptimisticCollection<Row> {
      if (!isOpen) throw new DnrError('closed', 'The manager was closed.')
      const collection = createOptimisticCollection({
        confirmed: confirmed,
        options: collectionOptions as unknown as OptimisticCollectionOptions<never>,
        overlay: overlayOf(confirmed.entity),
        failed: failed.list,
        currentBatch: () => currentBatch,
        queue,
        createId,
      })
      return collection as unknown as OptimisticCollection<Row>
    },
    batch(write) {
      const outer = currentBatch
      currentBatch ??= {}
      try {
        return batch(write)
      } finally {
        currentBatch = outer
      }
    },
    close() {
      isOpen = false
      overlays.forEach(({ views }) => views.forEach(({ close }) => close()))
      queue.close()
      failed.clear()
    },
  }
}
