// Beside the path: refused mutations, kept with what their author gave until somebody decides about them.
import type { DnrError } from '@dnr/protocol'
import { type ReadonlySignal, signal } from '@preact/signals-core'
import type { VersionedRow } from '../ports/confirmed-rows.ts'
import { combinePatches, hasUpdater } from '../rebase/replay.ts'
import type { Mutation, Operation, OptimisticMutation } from './mutation.ts'

/** A mutation that was refused and rolled back: its attempt is not lost. */
export interface FailedMutation {
  readonly entity: string
  readonly operation: Operation
  readonly id: string
  readonly mutationId: string
  /** What was sent or would have been; `null` for a deletion, and for an updater function that was never called. */
  readonly fields: Readonly<Record<string, unknown>> | null
  readonly error: DnrError
  /**
   * Makes the mutation again, with its id and its content, on top of the rows as they are now. A second call returns the same.
   * Does nothing and returns what failed when it was discarded, the manager closed or somebody else has signed in.
   */
  retry(): OptimisticMutation<unknown>
  /** Forgets it. */
  discard(): void
}

export interface FailedMutations {
  readonly list: ReadonlySignal<readonly FailedMutation[]>
  add(mutation: Mutation, error: DnrError): void
  /** Forgets all of them. */
  clear(): void
}

export function createFailedMutations(
  again: (mutation: Mutation) => OptimisticMutation<VersionedRow>,
): FailedMutations {
  const list = signal<readonly FailedMutation[]>([])
  return {
    list,
    clear() {
      list.value = []
    },
    add(mutation, error) {
      const { lane, operation, id, mutationId } = mutation
      // Never sent: what its patches say by themselves.
      const {
        patches,
        fields = patches.length === 0 || hasUpdater(patches) ? null : combinePatches(undefined, patches),
      } = mutation
      let latest: OptimisticMutation<VersionedRow> = mutation
      const entry: FailedMutation = {
        entity: lane.overlay.entity,
        operation,
        id,
        mutationId,
        fields,
        error,
        retry() {
          // Who still has a button for what was forgotten would send it as somebody else.
          if (list.peek().includes(entry)) {
            entry.discard()
            latest = again(mutation)
          }
          return latest
        },
        discard() {
          list.value = list.peek().filter((each) => each !== entry)
        },
      }
      list.value = [...list.peek(), entry]
    },
  }
}
