// Who is in which team. A token says which one its user chose; an admin may have moved them since, and that is kept here:
// in the database, and in memory so that rules can ask at once. Next: policy.ts, which asks; member-routes.ts, which moves.
import { createHash } from 'node:crypto'
import { defineEntity } from '@dnr/protocol'
import type { RealtimeRepository } from '@dnr/repository'
import { z } from 'zod'
import type { User } from '../shared/user.ts'
import type { SignedIn } from './session.ts'

/** The last move of a user. No server is given its repository, so no client can reach it. */
export const Move = defineEntity(
  'Move',
  z.object({ id: z.string(), userId: z.string(), team: z.string(), movedAt: z.number() }),
)

export interface MemberTeams {
  /** A move holds for sessions that are older than it; who signs in later has chosen anew. */
  teamOf(user: SignedIn): string
  /** The user with the team of today, and without what is the token's alone. */
  present(user: SignedIn): User
  /** When a session that begins now begins: after every move of this user, whatever the clock says. */
  issuedAt(userId: string): number
  /** Resolves when the move is kept; from then on `teamOf` answers it. */
  move(userId: string, team: string): Promise<void>
}

/** Reads the moves that were kept. */
export async function openMemberTeams(
  repository: RealtimeRepository<typeof Move>,
  now: () => number = Date.now,
): Promise<MemberTeams> {
  const { rows } = await repository.snapshot()
  const moveByUser = new Map(rows.map((move) => [move.userId, move]))
  let last: Promise<unknown> = Promise.resolve()

  const teamOf: MemberTeams['teamOf'] = ({ id, team, issuedAt }) => {
    const move = moveByUser.get(id)
    return move !== undefined && move.movedAt >= issuedAt ? move.team : team
  }
  const issuedAt: MemberTeams['issuedAt'] = (userId) =>
    Math.max(now(), (moveByUser.get(userId)?.movedAt ?? 0) + 1)

  const keep = async (userId: string, team: string): Promise<void> => {
    const id = rowIdOf(userId)
    const fields = { team, movedAt: issuedAt(userId) }
    const kept = moveByUser.has(userId)
      ? await repository.update(id, fields)
      : await repository.create({ id, userId, ...fields })
    moveByUser.set(userId, kept)
  }

  return {
    teamOf,
    present: (user) => ({ id: user.id, name: user.name, team: teamOf(user) }),
    issuedAt,
    async move(userId, team) {
      // One after the other: two first moves of one user would both create the row.
      const moved = last.then(() => keep(userId, team))
      last = moved.catch(() => {})
      await moved
    },
  }
}

/** User ids are longer and freer than row ids may be. */
function rowIdOf(userId: string): string {
  return createHash('sha256').update(userId).digest('base64url')
}
