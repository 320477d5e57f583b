// One mutation as the queue and the overlay know it, which is also the handle that its author gets. Holds no rule: those are in
// mutation-state.ts, mutation-queue.ts and rebase/.
import { createDeferred, type Deferred } from '@dnr/internal'
import type { DnrError, Position } from '@dnr/protocol'
import { type ReadonlySignal, type Signal, signal } from '@preact/signals-core'
import type { VersionedRow } from '../ports/confirmed-rows.ts'
import type { Lane, View } from '../rebase/entity-overlay.ts'
import type { Fields, Step, Updater } from '../rebase/replay.ts'
import type { MutationState } from './mutation-state.ts'

export type Operation = 'create' | 'update' | 'delete'

/** `pending`: not known to be stored. `acked`: stored. `synced`: stored, and every view has caught up with it. `failed`: rolled back. */
export type MutationStatus = 'pending' | 'acked' | 'synced' | 'failed'

/** A write that is on its way: what `create`, `update` and `delete` return. */
export interface OptimisticMutation<Row> {
  /** The row's id. */
  readonly id: string
  /** Names the write on the server: however often it is sent, it takes effect once. */
  readonly mutationId: string
  readonly state: ReadonlySignal<MutationStatus>
  /**
   * Resolves when the server has stored the write, with the row as stored: `null` when deleted or hidden from its author.
   * It does not say that others have seen it. Rejects with the reason of the failure; never an unhandled rejection.
   */
  readonly acked: Promise<Row | null>
  /**
   * Resolves when every open view of the entity has applied the stream up to the write, so that whatever else it changed is
   * visible too; with `acked` when none is open, and when somebody else signs in. Rejects as `acked` does.
   */
  readonly synced: Promise<void>
  /** Why it failed; `null` otherwise. */
  readonly error: DnrError | null
}

/** The mutation itself. `step` is what it does to the rows shown now. */
export interface Mutation extends OptimisticMutation<VersionedRow> {
  readonly lane: Lane
  readonly operation: Operation
  readonly isHidden: boolean
  /** Of an update: the version goes along that it was made on. */
  usesVersion: boolean
  readonly resolve: ConflictResolver | undefined
  readonly batch: object | null
  readonly state: Signal<MutationStatus>
  readonly ack: Deferred<VersionedRow | null>
  readonly sync: Deferred
  error: DnrError | null
  life: MutationState
  step: Step
  /** What the author gave; `fields` once it is settled what is sent: from then on it may be stored. */
  patches: readonly (Fields | Updater)[]
  fields?: Fields | undefined
  /** The row that the author saw, then the one that the write before it left. */
  base: VersionedRow | undefined
  position?: Position | null
  /** Views whose stream has not reached the stored write. */
  readonly awaiting: Set<View>
  /** Ends the wait for the next attempt. */
  cancel?: () => void
  /** Waits for a time or for a decision, whatever the connection does. */
  isHeld?: boolean
}

/** Untyped form of the `resolve` option. */
export type ConflictResolver = (base: never, local: never, remote: never) => unknown

export type MutationParts = Pick<
  Mutation,
  | 'lane'
  | 'operation'
  | 'id'
  | 'mutationId'
  | 'isHidden'
  | 'usesVersion'
  | 'resolve'
  | 'batch'
  | 'step'
  | 'patches'
  | 'base'
  | 'fields'
>

export function createMutation(parts: MutationParts): Mutation {
  const ack = createDeferred<VersionedRow | null>()
  const sync = createDeferred()
  return {
    ...parts,
    ack,
    sync,
    acked: ack.promise,
    synced: sync.promise,
    state: signal('pending'),
    error: null,
    life: { status: 'queued', attempt: 0 },
    awaiting: new Set(),
  }
}

/** Known to be stored; what is left is to wait for the views. */
export function isStored({ life }: Mutation): boolean {
  return life.status === 'acked'
}
