// Everything that people do to tasks. Each is shown at once, sent over the socket, and settles once.
import type { OptimisticCollection, OptimisticManager, OptimisticMutation } from '@dnr/optimistic'
import { type ReadonlySignal, signal } from '@preact/signals-core'
import type { Status, Task } from '../../shared/task.ts'
import { byColumn } from './columns.ts'
import type { Draft } from './conflicts.ts'
import { rankAt } from './rank.ts'

/** A write of this tab, for "Under the hood". */
export interface OwnWrite {
  readonly label: string
  readonly mutation: OptimisticMutation<Task>
}

export interface TaskWrites {
  /** The latest writes, newest first. */
  readonly latest: ReadonlySignal<readonly OwnWrite[]>
  isOwn(mutationId: string): boolean
  create(title: string, status: Status): string
  edit(id: string, draft: Draft): OptimisticMutation<Task>
  /** Puts a card at `index` of a column, counted without the card itself. */
  move(id: string, status: Status, index: number): void
  remove(id: string): void
}

export interface TaskWritesOptions {
  readonly tasks: OptimisticCollection<Task>
  readonly optimistic: Pick<OptimisticManager, 'batch'>
  onWrite(mutationId: string): void
}

const KEPT = 12

export function createTaskWrites({ tasks, optimistic, onWrite }: TaskWritesOptions): TaskWrites {
  const latest = signal<readonly OwnWrite[]>([])
  const own = new Set<string>()

  const record = (label: string, mutation: OptimisticMutation<Task>): OptimisticMutation<Task> => {
    own.add(mutation.mutationId)
    latest.value = [{ label, mutation }, ...latest.peek()].slice(0, KEPT)
    onWrite(mutation.mutationId)
    return mutation
  }

  return {
    latest,
    isOwn: (mutationId) => own.has(mutationId),
    create: (title, status) => record(`create “${title.slice(0, 40)}”`, tasks.create({ title, status })).id,
    edit: (id, draft) => record(`edit ${Object.keys(draft).join(', ')}`, tasks.update(id, draft)),
    move(id, status, index) {
      const task = tasks.byId(id)
      if (task === undefined) return
      const others = byColumn(tasks.rows.peek())[status].filter((other) => other.id !== id)
      const isThere = task.status === status && byColumn(tasks.rows.peek())[status].indexOf(task) === index
      if (isThere) return
      // Of two people who move a card the later one wins: nobody wants to be asked about that.
      optimistic.batch(() => {
        for (const { id: each, rank } of rankAt(others, id, index)) {
          const patch = each === id && task.status !== status ? { rank, status } : { rank }
          record(
            each === id ? `move to ${status}` : 'make room',
            tasks.update(each, patch, { ifVersion: false }),
          )
        }
      })
    },
    remove(id) {
      record('delete', tasks.delete(id))
    },
  }
}
