import type { Connection } from '../database/connection.ts'
import { nextTurn } from '../database/next-turn.ts'
import { storageError } from '../database/storage-error.ts'
import type { OpenTransaction } from '../write/async-transaction.ts'
import type { WriteTransaction } from '../write/write-transaction.ts'

/** Where the calls of a repository run: on the database, or inside a transaction that is open. */
export interface Executor {
  read<T>(read: (connection: Connection) => T): Promise<T>
  /** `rows`: how many it may write at most. */
  write<T>(write: (transaction: WriteTransaction) => T, rows?: number): Promise<T>
}

/** Runs calls inside an open transaction, at once. One that fails is undone alone; the transaction goes on. */
export function createTransactionExecutor(transaction: OpenTransaction): Executor {
  const run = async <T>(action: (transaction: WriteTransaction) => T): Promise<T> => {
    try {
      return action(transaction.use())
    } catch (error) {
      throw storageError(error)
    }
  }
  return {
    read: (read) => run(({ connection }) => read(connection)),
    async write(write, rows = 1) {
      const value = await run((open) => open.attempt(() => write(open)))
      // A transaction of many bulk calls must not keep everybody else from being served.
      if (rows > 1) await nextTurn()
      return value
    },
  }
}
