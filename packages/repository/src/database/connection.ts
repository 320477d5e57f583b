// One SQLite handle with its prepared statements. Holds no rules of ours; knows neither entities nor the log.
import { DnrError } from '@dnr/protocol'
import type { CompiledStatement } from './compile.ts'
import type { SqliteHandle, SqliteStatement } from './sqlite-handle.ts'

/** What begins, divides and ends transactions. */
export type TransactionCommand =
  | 'BEGIN'
  | 'BEGIN IMMEDIATE'
  | 'COMMIT'
  | 'ROLLBACK'
  | 'SAVEPOINT dnr'
  | 'RELEASE dnr'
  | 'ROLLBACK TO dnr'

/** A handle and the statements prepared on it. Everything is synchronous. */
export interface Connection {
  readonly handle: SqliteHandle
  /** How many statements `run` was asked for: when it stands where it stood, nothing can have been written. */
  readonly writesRun: number
  run<Parameters extends object>(
    statement: CompiledStatement<Parameters, unknown>,
    parameters: Parameters,
  ): number
  get<Parameters extends object, Row>(
    statement: CompiledStatement<Parameters, Row>,
    parameters: Parameters,
  ): Row | undefined
  all<Parameters extends object, Row>(
    statement: CompiledStatement<Parameters, Row>,
    parameters: Parameters,
  ): Row[]
  /** Runs a read that was built for this one call. @throws DnrError `bad_option` for anything that writes */
  query(sql: string, parameters: readonly unknown[]): unknown[]
  /** Begins, divides or ends a transaction. Its statement stays prepared: every write runs two. */
  command(command: TransactionCommand): void
  /** Runs SQL that is not run often, and keeps nothing of it. */
  exec(sql: string): void
  inTransaction(): boolean
  /** Runs `read` in one read transaction, so that all its statements see the same moment. */
  snapshot<T>(read: () => T): T
}

// Find queries have as many shapes as users have ideas; beyond this the least recently used goes.
const MAX_STATEMENTS = 300

/** Puts a cache of prepared statements around a handle. */
export function createConnection(handle: SqliteHandle): Connection {
  const statements = new Map<string, SqliteStatement>()
  // Those that were compiled once are found without a look at their text, and live as long as their owner.
  const compiled = new WeakMap<CompiledStatement<never, unknown>, SqliteStatement>()

  const prepare = (sql: string): SqliteStatement => {
    const known = statements.get(sql)
    const statement = known ?? handle.prepare(sql)
    // The order of the map is that of last use.
    if (known !== undefined) statements.delete(sql)
    else if (statements.size >= MAX_STATEMENTS) {
      const [oldest] = statements.keys()
      if (oldest !== undefined) statements.delete(oldest)
    }
    statements.set(sql, statement)
    return statement
  }

  const preparedOf = (statement: CompiledStatement<never, unknown>): SqliteStatement => {
    const known = compiled.get(statement)
    if (known !== undefined) return known
    const prepared = handle.prepare(statement.sql)
    compiled.set(statement, prepared)
    return prepared
  }

  const commands = new Map<TransactionCommand, SqliteStatement>()
  const commandOf = (command: TransactionCommand): SqliteStatement => {
    const known = commands.get(command)
    if (known !== undefined) return known
    const prepared = handle.prepare(command)
    commands.set(command, prepared)
    return prepared
  }

  let writesRun = 0
  const connection: Connection = {
    handle,
    get writesRun() {
      return writesRun
    },
    run(statement, parameters) {
      writesRun++
      return Number(preparedOf(statement).run(...statement.bind(parameters)).changes)
    },
    get: (statement, parameters) => preparedOf(statement).get(...statement.bind(parameters)) as never,
    all: (statement, parameters) => preparedOf(statement).all(...statement.bind(parameters)) as never,
    query: (sql, parameters) => {
      const statement = prepare(sql)
      if (statement.reader === false || statement.readonly === false) {
        throw new DnrError(
          'bad_option',
          'This is for reads: write through a repository, so that subscribers hear of it.',
        )
      }
      return statement.all(...parameters)
    },
    command: (command) => void commandOf(command).run(),
    exec: (sql) => void handle.exec(sql),
    inTransaction: () => handle.inTransaction === true,
    snapshot: (read) => {
      if (connection.inTransaction()) return read()
      connection.command('BEGIN')
      try {
        return read()
      } finally {
        // Ending a read cannot lose anything, whichever way it ends.
        connection.command('COMMIT')
      }
    },
  }
  return connection
}
