// Who may see and do what. The same rules guard HTTP, the socket, snapshots and replays.
import { allow, policies } from '@dnr/server'
import { Task } from '../shared/task.ts'
import type { User } from '../shared/user.ts'

/** What people write; `createdAt` and `updatedAt` are the server's. */
const WRITABLE = ['title', 'status', 'team', 'assignee', 'rank', 'notes'] as const

/** A team sees and writes its own tasks and may hand one to another team. `admin` sees and writes all of them. */
export const boardPolicies = policies(
  allow(Task, (user: User | null) => {
    if (user === null) return false
    const isOurs = (task: Task): boolean => user.team === 'admin' || task.team === user.team
    return {
      key: user.team,
      sees: isOurs,
      create: (task) => isOurs(task) && ['id', ...WRITABLE],
      update: WRITABLE,
      delete: true,
    }
  }),
)

/** Who is at a board concerns its team. */
export function mayWatchPresence(user: User | null, resource: string): boolean {
  if (user === null) return false
  return user.team === 'admin' || resource === `board/${user.team}`
}
