import type { Position } from '@dnr/protocol'
import type { ReadonlySignal } from '@preact/signals-core'

/** One write, as it is sent. A retry carries the same `mutationId` and the same content. */
export interface MutationRequest {
  readonly entity: string
  readonly operation: 'create' | 'update' | 'delete'
  readonly id: string
  readonly fields?: Record<string, unknown>
  readonly ifVersion?: number
  readonly mutationId: string
}

/** The write is stored at `position`. `row` is `null` when deleted, or (`visible: false`) hidden from its author. */
export interface MutationAnswer {
  readonly position: Position | null
  readonly row: unknown
  readonly visible: boolean
}

/**
 * Carries writes to the server: a client of `@dnr/client` fits, and `httpMutations`.
 *
 * `mutate` is called for one record after the other, for different records at once. It rejects with a `DnrError`:
 * `retryable` ones are sent again, `VersionConflict` is merged, `unauthorized`, `token_expired`, `token_revoked` and
 * `needs_auth` stop sending until `connected` rises again or the manager is resumed; all others are final. Anything else thrown is final too.
 */
export interface MutationTransport {
  mutate(mutation: MutationRequest, options?: { signal?: AbortSignal }): Promise<MutationAnswer>
  /** Becomes true when sending makes sense again; nothing is sent while it is false. */
  readonly connected: ReadonlySignal<boolean>
  /**
   * Who writes; `null` for a guest. Set before `connected` rises. When it is somebody else than before, what the former user has
   * not had stored is cancelled and never sent; a guest who signs in goes on. Absent: always the same user.
   */
  readonly userId?: ReadonlySignal<string | null>
}
