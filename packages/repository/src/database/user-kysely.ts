// Kysely for the user's own reads. Holds no connection of its own making, and refuses to write.
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { DnrError } from '@dnr/protocol'
import type { Connection, TransactionCommand } from './connection.ts'

/** The connection that user queries run on. */
export interface UserConnection {
  /** Opened at the first query. */
  open(): Connection
  /** Is it used for nothing else? Only then may a transaction stay open on it. */
  readonly isOwn: boolean
  /** Resolves when the connection shows committed rows alone. */
  ready(): Promise<void>
}

/** Makes a Kysely that reads. */
export function createUserKysely<Tables>(user: UserConnection): Kysely<Tables> {
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => createDriver(user),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  })
}

function createDriver(user: UserConnection): Driver {
  const connection: DatabaseConnection = {
    async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
      await user.ready()
      return { rows: user.open().query(sql, parameters) as Row[] }
    },
    async *streamQuery<Row>({ sql, parameters }: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
      // All at once: an iterator held over an await would keep the write-ahead log from being checkpointed.
      await user.ready()
      yield { rows: user.open().query(sql, parameters) as Row[] }
    },
  }
  const inTransaction = async (command: TransactionCommand): Promise<void> => {
    if (!user.isOwn) {
      throw new DnrError(
        'bad_option',
        'database.kysely shares its connection with DNR here and cannot begin a transaction: use database.transaction.',
      )
    }
    user.open().command(command)
  }
  return {
    init: async () => {},
    acquireConnection: async () => connection,
    beginTransaction: () => inTransaction('BEGIN'),
    commitTransaction: () => inTransaction('COMMIT'),
    rollbackTransaction: () => inTransaction('ROLLBACK'),
    releaseConnection: async () => {},
    destroy: async () => {},
  }
}
