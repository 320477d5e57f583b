// Writes that met somebody else's: kept open until a person decides. Only the record in question waits.
import { type ReadonlySignal, signal } from '@preact/signals-core'
import type { Task } from '../../shared/task.ts'

/** The fields that people edit as text. */
export type Draft = Partial<Pick<Task, 'title' | 'notes' | 'assignee' | 'team'>>

export interface Conflict {
  readonly id: string
  /** What I wrote. */
  readonly mine: Draft
  readonly theirs: Task
  keepMine(): void
  takeTheirs(): void
}

export interface Conflicts {
  readonly byId: ReadonlySignal<ReadonlyMap<string, Conflict>>
  /** For the `resolve` option of an optimistic collection: `null` gives my write up. */
  ask(base: Task | undefined, local: Task, remote: Task): Promise<Draft | null>
}

const TEXT_FIELDS = ['title', 'notes', 'assignee', 'team'] as const

export function createConflicts(): Conflicts {
  const byId = signal<ReadonlyMap<string, Conflict>>(new Map())
  return {
    byId,
    ask: (base, local, remote) =>
      new Promise((resolve) => {
        const mine = changedFields(base, local)
        const settle = (answer: Draft | null): void => {
          byId.value = new Map([...byId.peek()].filter(([id]) => id !== remote.id))
          resolve(answer)
        }
        const conflict: Conflict = {
          id: remote.id,
          mine,
          theirs: remote,
          keepMine: () => settle(mine),
          takeTheirs: () => settle(null),
        }
        byId.value = new Map([...byId.peek(), [remote.id, conflict]])
      }),
  }
}

/** Fields that differ from `base`; all of them when there is none. */
export function changedFields(base: Draft | undefined, changed: Draft): Draft {
  return Object.fromEntries(
    TEXT_FIELDS.filter((field) => changed[field] !== undefined && changed[field] !== base?.[field]).map(
      (field) => [field, changed[field]],
    ),
  )
}
