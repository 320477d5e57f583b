// A write whose answer did not come is asked for again over a new connection, while the first request may still be under way on
// the old one (half-open, stalled). When the repetition was refused, the first one must not take effect later: its author was
// told no. Holds, for each older connection, what its user has asked for over newer ones.
import type { Connection } from './connection.ts'

export interface OvertakenWrites {
  /** Notes that a connection asks for a write. `false`: a later connection of the same user has asked for it before. */
  admit(connection: Connection, mutationId: string): boolean
}

/** Ids kept for one connection: it is closed two heartbeats after it fell silent. */
const MAX_KEPT = 1_000

/** `ofUser`: the connections of a user, in the order in which they came. */
export function createOvertakenWrites(ofUser: (userId: string) => readonly Connection[]): OvertakenWrites {
  const overtaken = new WeakMap<Connection, Set<string>>()

  const note = (connection: Connection, mutationId: string): void => {
    const ids = overtaken.get(connection) ?? new Set()
    overtaken.set(connection, ids.add(mutationId))
    if (ids.size <= MAX_KEPT) return
    const [oldest] = ids
    if (oldest !== undefined) ids.delete(oldest)
  }

  return {
    admit(connection, mutationId) {
      if (overtaken.get(connection)?.has(mutationId) === true) return false
      const { userId } = connection
      if (userId === null) return true
      for (const earlier of ofUser(userId)) {
        if (earlier === connection) break
        note(earlier, mutationId)
      }
      return true
    },
  }
}
