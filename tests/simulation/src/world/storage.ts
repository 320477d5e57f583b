// The disk of the simulation: one SQLite database in memory that outlives the processes using it. Holds the database and what is
// wrong with it; each process gets a handle of its own that dies with the process.
import type { SqliteHandle, SqliteStatement } from '@dnr/repository'
import Database from 'better-sqlite3'

type Driver = InstanceType<typeof Database>

/** What a process may do with its handle. */
export interface ProcessHandle extends SqliteHandle {
  /** Every statement fails from now on; what was not committed is undone, as SQLite does for a process that was killed. */
  kill(): void
}

export interface Storage {
  /** A handle for a new process. */
  open(): ProcessHandle
  /** Committed rows of the database as it is. Not while a transaction is open. */
  all(sql: string, ...parameters: unknown[]): Record<string, unknown>[]
  readonly isInTransaction: boolean
  backup(): Buffer
  /** Puts a backup in the place of the database; nobody may have it open. */
  restore(backup: Buffer): void
  /** `busy`: another process holds the write lock. `full`: no page can be added. */
  trouble: 'none' | 'busy' | 'full'
  /** Kills the process at one of its next statements; `null`: not planned. */
  crashPlan: CrashPlan | null
  close(): void
}

export interface CrashPlan {
  /** How many statements are still carried out before the one that counts. */
  left: number
  /** Is that one carried out too? */
  readonly executed: boolean
  crash(): void
}

export interface StorageOptions {
  /** Called after each COMMIT of a process, before it goes on. */
  onCommitted(): void
  /** Called before the log loses entries: some may be of the very transaction that trims. */
  onTrimming(): void
  /** A transaction was rolled back as a whole. */
  onUndone(): void
  /** A process was killed inside a transaction, which is undone. */
  onKilledInside(): void
}

export function createStorage({
  onCommitted,
  onTrimming,
  onUndone,
  onKilledInside,
}: StorageOptions): Storage {
  let driver: Driver = new Database(':memory:')
  const prepared = new Map<string, Database.Statement>()
  /** Once for each text, whoever asks: programs say the same few things very often. */
  const prepare = (sql: string): Database.Statement => {
    const statement = prepared.get(sql) ?? driver.prepare(sql)
    prepared.set(sql, statement)
    return statement
  }
  const storage: Storage = {
    trouble: 'none',
    crashPlan: null,
    get isInTransaction() {
      return driver.inTransaction
    },
    all: (sql, ...parameters) => prepare(sql).all(...parameters) as Record<string, unknown>[],
    backup: () => driver.serialize(),
    restore(backup) {
      prepared.clear()
      driver.close()
      driver = new Database(backup)
    },
    close: () => void driver.close(),
    open() {
      const own = driver
      let isDead = false
      const kill = (): void => {
        if (isDead) return
        isDead = true
        if (!own.open || !own.inTransaction) return
        own.exec('ROLLBACK')
        onUndone()
        onKilledInside()
      }
      const run = <Result>(sql: string, execute: () => Result): Result => {
        if (isDead) throw deadError()
        const plan = storage.crashPlan
        const isLast = plan !== null && plan.left-- <= 0
        if (isLast && !plan.executed) return die(plan)
        refuseWhenTroubled(sql, storage, own)
        if (sql.startsWith('delete from "dnr_change_log"')) onTrimming()
        const result = execute()
        if (sql === 'COMMIT') onCommitted()
        if (sql === 'ROLLBACK') onUndone()
        if (isLast) die(plan)
        return result
      }
      const die = (plan: CrashPlan): never => {
        storage.crashPlan = null
        kill()
        plan.crash()
        throw deadError()
      }
      return {
        kill,
        close: () => undefined,
        get inTransaction() {
          return !isDead && own.inTransaction
        },
        exec: (sql) => run(sql, () => own.exec(sql)),
        prepare(sql) {
          if (isDead) throw deadError()
          const statement = prepare(sql)
          const wrapped: SqliteStatement = {
            run: (...parameters) => run(sql, () => statement.run(...parameters)),
            get: (...parameters) => run(sql, () => statement.get(...parameters)),
            all: (...parameters) => run(sql, () => statement.all(...parameters)),
            reader: statement.reader,
            readonly: statement.readonly,
          }
          return wrapped
        },
      }
    },
  }
  return storage
}

function refuseWhenTroubled(sql: string, { trouble }: Storage, driver: Driver): void {
  if (trouble === 'busy' && sql.startsWith('BEGIN IMMEDIATE'))
    throw sqliteError('SQLITE_BUSY', 'database is locked')
  if (trouble !== 'full' || !/^insert/i.test(sql)) return
  // SQLite ends the whole transaction when the disk is full.
  if (driver.inTransaction) driver.exec('ROLLBACK')
  throw sqliteError('SQLITE_FULL', 'database or disk is full')
}

function deadError(): Error {
  return sqliteError('SQLITE_IOERR', 'the process is dead')
}

function sqliteError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
