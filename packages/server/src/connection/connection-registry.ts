// All connections, by id, by user, by address. Holds them; decides nothing.
import type { Connection } from './connection.ts'

export interface ConnectionRegistry {
  readonly byId: ReadonlyMap<string, Connection>
  readonly userCount: number
  add(connection: Connection): void
  /** Notes whose it is, once that is known. */
  addUser(userId: string, connection: Connection): void
  /** Harmless when it was not added. */
  remove(connection: Connection): void
  ofUser(userId: string): readonly Connection[]
  countOfAddress(remoteAddress: string): number
}

export function createConnectionRegistry(): ConnectionRegistry {
  const byId = new Map<string, Connection>()
  const byUser = new Map<string, Connection[]>()
  const countByAddress = new Map<string, number>()

  const countAddress = (address: string, difference: number): void => {
    const count = (countByAddress.get(address) ?? 0) + difference
    if (count === 0) countByAddress.delete(address)
    else countByAddress.set(address, count)
  }

  return {
    byId,
    get userCount() {
      return byUser.size
    },
    add(connection) {
      byId.set(connection.id, connection)
      countAddress(connection.remoteAddress, 1)
    },
    addUser(userId, connection) {
      connection.userId = userId
      const own = byUser.get(userId)
      if (own === undefined) byUser.set(userId, [connection])
      else if (!own.includes(connection)) own.push(connection)
    },
    remove(connection) {
      if (!byId.delete(connection.id)) return
      countAddress(connection.remoteAddress, -1)
      const { userId } = connection
      if (userId === null) return
      const left = (byUser.get(userId) ?? []).filter((other) => other !== connection)
      if (left.length === 0) byUser.delete(userId)
      else byUser.set(userId, left)
    },
    ofUser: (userId) => byUser.get(userId) ?? [],
    countOfAddress: (remoteAddress) => countByAddress.get(remoteAddress) ?? 0,
  }
}
