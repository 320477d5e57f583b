import Database from 'better-sqlite3'
import type { SqliteHandle } from '../../src/index.ts'

/** What the disk does to statements that match. */
export interface Fault {
  readonly statement: RegExp
  /** SQLite's name of the error. */
  readonly code: string
  /** Does the statement take effect before it fails? A COMMIT may. @default false */
  readonly tookEffect?: boolean
}

/** A real database whose disk fails when it is told to. */
export interface FailingHandle extends Disposable {
  readonly handle: SqliteHandle
  fault: Fault | null
}

export function openFailingHandle(path: string): FailingHandle {
  const inner = new Database(path)
  const failing: FailingHandle = {
    fault: null,
    handle: {
      prepare(sql) {
        const statement = inner.prepare(sql)
        return {
          reader: statement.reader,
          get: (...parameters) => run(sql, () => statement.get(...parameters)),
          all: (...parameters) => run(sql, () => statement.all(...parameters)),
          run: (...parameters) => run(sql, () => statement.run(...parameters)),
        }
      },
      exec: (sql) => run(sql, () => inner.exec(sql)),
      close: () => inner.close(),
      get inTransaction() {
        return inner.inTransaction
      },
    },
    [Symbol.dispose]: () => void inner.close(),
  }

  function run<T>(sql: string, action: () => T): T {
    const { fault } = failing
    if (fault === null || !fault.statement.test(sql)) return action()
    if (fault.tookEffect === true) action()
    throw new Database.SqliteError('disk I/O error', fault.code)
  }
  return failing
}
