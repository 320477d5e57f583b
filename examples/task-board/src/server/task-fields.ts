// What the server adds to a task that somebody writes, inside the write's transaction.
import type { Database, PrepareContext, PrepareHooks } from '@dnr/repository'
import type { Status, Task } from '../shared/task.ts'
import type { User } from '../shared/user.ts'

/** New tasks go to the end of their column, in their author's team; times are the server's. */
export function taskFields({ kysely }: Pick<Database, 'kysely'>): PrepareHooks<typeof Task> {
  const lastRank = (query: PrepareContext['query'], team: string | undefined, status: Status): number => {
    const tasks = kysely.selectFrom('Task').where('team', '=', team ?? '').where('status', '=', status)
    const [last] = query<{ rank: number | null }>(tasks.select((task) => task.fn.max('rank').as('rank')))
    return last?.rank ?? 0
  }
  return {
    create(fields: Partial<Task>, { principal, now, query }) {
      const { team = (principal as User | null)?.team, status = 'todo' } = fields
      const rank = fields.rank ?? lastRank(query, team, status) + 1
      return { createdAt: now, updatedAt: now, ...fields, team, status, rank }
    },
    update: (fields, _before, { now }) => ({ ...fields, updatedAt: now }),
  }
}
