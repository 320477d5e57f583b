// Presence at rest: whoever wants to be at a board and may be there is seen by everybody who looks at it, and nobody else is.
import { InvariantViolation, type ShownPeople } from '@dnr/testing'
import { boardOf } from '../channels.ts'
import type { OpenBoard } from './sim-people.ts'
import type { World } from './world.ts'

interface BoardOfTab {
  readonly name: string
  readonly user: string
  readonly board: OpenBoard
}

/** Boards that are open and may be seen. */
function* openBoards({ clients, standings }: World): Iterable<BoardOfTab> {
  for (const { user, people } of clients)
    for (const board of people.boards.values())
      if (standings.hears(user, boardOf(board.team))) yield { name: `${user} at ${board.team}`, user, board }
}

/** A board that was refused stays so: whoever has got the right back leaves it and, after what was shared has ended, comes back. */
export function reopenBoards({ clients, standings, clock }: World): void {
  for (const { user, people } of clients) {
    for (const board of people.boards.values()) {
      if (board.subscription.status.peek() !== 'failed' || !standings.hears(user, boardOf(board.team)))
        continue
      people.leave(board.team)
      clock.setTimeout(() => people.reopen(board), REOPENS_AFTER_MS)
    }
  }
}

/** Longer than an unused subscription lingers. */
const REOPENS_AFTER_MS = 300

export function findUnrestOfPeople(world: World): InvariantViolation | null {
  for (const { name, user, board } of openBoards(world)) {
    const { stale, members, error } = board.room
    if (stale.peek())
      return new InvariantViolation('L1', { who: name, what: 'the board is stale', actual: error.peek() })
    const isSeen = members.peek().some(({ id }) => id === user)
    if (board.joined !== null && !isSeen)
      return new InvariantViolation('L1', {
        who: name,
        what: 'who has joined is not seen',
        actual: error.peek(),
      })
  }
  return null
}

export function peopleShown(world: World): ShownPeople[] {
  return [...openBoards(world)].map(({ name, board }) => ({
    name,
    channel: boardOf(board.team),
    users: board.room.members.peek().map(({ id }) => id),
  }))
}
