// Who may see and do what. The same rules guard HTTP, the socket, snapshots, replays, presence and rooms.
import { allow, allowChannel, type Policies, policies } from '@dnr/server'
import { Task } from '../shared/task.ts'
import { ADMIN } from '../shared/user.ts'
import { MEMBERS_ROOM } from './member-list.ts'
import type { MemberTeams } from './member-teams.ts'
import type { SignedIn } from './session.ts'

/** What people write; `createdAt` and `updatedAt` are the server's. */
const WRITABLE = ['title', 'status', 'team', 'assignee', 'rank', 'notes'] as const

type TeamOf = Pick<MemberTeams, 'teamOf'>

/**
 * A team sees and writes its own tasks and may hand one to another team. `admin` sees and writes all of them. Who is at a
 * board concerns its team; who is connected at all, the admins. Which team that is, is asked anew each time; whoever moves
 * somebody calls `invalidate`, so that open subscriptions ask again, too.
 */
export function boardPolicies({ teamOf }: TeamOf): Policies<SignedIn> {
  const isAdmin = (user: SignedIn): boolean => teamOf(user) === ADMIN
  return policies(
    allow(Task, (user: SignedIn | null) => {
      if (user === null) return false
      const team = teamOf(user)
      const isOurs = (task: Task): boolean => team === ADMIN || task.team === team
      return {
        key: team,
        sees: isOurs,
        create: (task) => isOurs(task) && ['id', ...WRITABLE],
        update: WRITABLE,
        delete: true,
      }
    }),
    allowChannel(
      'presence',
      (user: SignedIn, resource) => isAdmin(user) || resource === `board/${teamOf(user)}`,
    ),
    allowChannel('room', (user: SignedIn, name) => isAdmin(user) && name === MEMBERS_ROOM),
  )
}
