import type { Status, Task } from '../../shared/task.ts'

export const COLUMNS: readonly { readonly status: Status; readonly name: string }[] = [
  { status: 'todo', name: 'To do' },
  { status: 'doing', name: 'Doing' },
  { status: 'done', name: 'Done' },
]

export function nameOfColumn(status: Status): string {
  return COLUMNS.find((column) => column.status === status)?.name ?? status
}

/** Tasks by column; each keeps the order of `tasks`. */
export function byColumn(tasks: readonly Task[]): Readonly<Record<Status, readonly Task[]>> {
  const columns: Record<Status, Task[]> = { todo: [], doing: [], done: [] }
  for (const task of tasks) columns[task.status].push(task)
  return columns
}
