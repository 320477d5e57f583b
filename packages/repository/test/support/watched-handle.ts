import Database from 'better-sqlite3'
import type { SqliteHandle, SqliteStatement } from '../../src/index.ts'

/** Runs a statement, or does something else instead. */
export type Around = (sql: string, run: () => unknown) => unknown

/** The handle, with `around` around everything that it runs. */
export function watchHandle(inner: Database.Database, around: Around): SqliteHandle {
  return {
    prepare: (sql) => watchStatement(inner.prepare(sql), sql, around),
    exec: (sql) => around(sql, () => inner.exec(sql)),
    close: () => inner.close(),
    get inTransaction() {
      return inner.inTransaction
    },
  }
}

/** The same for every handle of the driver, also those that `openDatabase` opens for a path, until it is disposed of. */
export function watchDriver(around: Around): Disposable {
  const driver = Database.prototype as SqliteHandle
  const { prepare, exec } = driver
  driver.prepare = function (this: SqliteHandle, sql) {
    return watchStatement(prepare.call(this, sql), sql, around)
  }
  driver.exec = function (this: SqliteHandle, sql) {
    return around(sql, () => exec.call(this, sql))
  }
  return { [Symbol.dispose]: () => void Object.assign(driver, { prepare, exec }) }
}

function watchStatement(inner: SqliteStatement, sql: string, around: Around): SqliteStatement {
  const run = (action: () => unknown): never => around(sql, action) as never
  return {
    reader: inner.reader as boolean,
    get: (...parameters) => run(() => inner.get(...parameters)),
    all: (...parameters) => run(() => inner.all(...parameters)),
    run: (...parameters) => run(() => inner.run(...parameters)),
    pluck() {
      inner.pluck?.()
      return this
    },
  }
}
