// Cards that somebody else has just changed, for as long as they are tinted.
import { type ReadonlySignal, signal } from '@preact/signals-core'

export interface RecentChanges {
  /** Card id → the mutation that changed it. */
  readonly byId: ReadonlySignal<ReadonlyMap<string, string>>
  add(id: string, mutationId: string): void
  /** The last mutation of somebody else, however long ago. */
  lastOf(id: string): string | undefined
}

const SHOWN_MS = 1_800

export function createRecentChanges(): RecentChanges {
  const byId = signal<ReadonlyMap<string, string>>(new Map())
  const lastById = new Map<string, string>()
  return {
    byId,
    lastOf: (id) => lastById.get(id),
    add(id, mutationId) {
      lastById.set(id, mutationId)
      byId.value = new Map([...byId.peek(), [id, mutationId]])
      setTimeout(() => {
        if (byId.peek().get(id) !== mutationId) return
        byId.value = new Map([...byId.peek()].filter(([each]) => each !== id))
      }, SHOWN_MS)
    },
  }
}
