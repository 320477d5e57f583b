// What the server adds to a task that somebody writes, inside the write's transaction.
import type { PrepareContext, PrepareHooks, RealtimeDatabase } from '@dnr/repository'
import type { Status, Task } from '../shared/task.ts'
import type { MemberTeams } from './member-teams.ts'
import type { SignedIn } from './session.ts'

/** New tasks go to the end of their column, in their author's team; times are the server's. */
export function taskFields(
  { kysely }: Pick<RealtimeDatabase, 'kysely'>,
  teamOf: MemberTeams['teamOf'],
): PrepareHooks<typeof Task> {
  const lastRank = (query: PrepareContext['query'], team: string | undefined, status: Status): number => {
    const tasks = kysely
      .selectFrom('Task')
      .where('team', '=', team ?? '')
      .where('status', '=', status)
    const [last] = query<{ rank: number | null }>(tasks.select((task) => task.fn.max('rank').as('rank')))
    return last?.rank ?? 0
  }
  return {
    create(given, { principal, now, query }) {
      const fields: Partial<typeof given> = given // what the server sets is not given
      const { team = principal === null ? undefined : teamOf(principal as SignedIn), status = 'todo' } =
        fields
      const rank = fields.rank ?? lastRank(query, team, status) + 1
      return { createdAt: now, updatedAt: now, ...fields, team, status, rank }
    },
    update: (fields, _before, { now }) => ({ ...fields, updatedAt: now }),
  }
}
