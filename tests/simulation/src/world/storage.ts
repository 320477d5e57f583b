// The database of the simulation, which outlives the processes using it. Holds what is wrong with it; each process gets a handle of
// its own that dies with the process.
import type { SqliteHandle, SqliteStatement } from '@dnr/repository'
import type { Statement } from 'better-sqlite3'
import { createFileDisk, createMemoryDisk, type Driver } from './disk.ts'

/** What a process may do with its handle. */
export interface ProcessHandle extends SqliteHandle {
  /** Every statement fails from now on; what was not committed is undone, as SQLite does for a process that was killed. */
  kill(): void
}

export interface Storage {
  /** A handle for a new process: of a server, whose place it says, or of a program beside the servers. */
  open(place?: number): ProcessHandle
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
  /** The server that it is meant for; statements of programs beside the servers count too. */
  readonly place: number
  crash(): void
}

export interface StorageOptions {
  /** Do several servers use it at once? */
  readonly isShared: boolean
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
  isShared,
  onCommitted,
  onTrimming,
  onUndone,
  onKilledInside,
}: StorageOptions): Storage {
  const disk = isShared ? createFileDisk() : createMemoryDisk()
  /** Whose transaction is looked into, `null`: what is committed is read. */
  let inside: Driver | null = null
  const lookInside = (driver: Driver, look: () => void): void => {
    inside = driver
    look()
    inside = null
  }
  const storage: Storage = {
    trouble: 'none',
    crashPlan: null,
    get isInTransaction() {
      return disk.reader.inTransaction
    },
    all: (sql, ...parameters) =>
      prepare(inside ?? disk.reader, sql).all(...parameters) as Record<string, unknown>[],
    backup: () => disk.reader.serialize(),
    restore: (backup) => disk.replace(backup),
    close: () => disk.close(),
    open(place) {
      const own = disk.connect()
      let isDead = false
      const kill = (): void => {
        if (isDead) return
        isDead = true
        if (!own.open) return
        const isInside = own.inTransaction
        if (isInside) own.exec('ROLLBACK')
        disk.disconnect(own)
        if (!isInside) return
        onUndone()
        onKilledInside()
      }
      const run = <Result>(sql: string, execute: () => Result): Result => {
        if (isDead) throw deadError()
        const plan = storage.crashPlan
        const isPlanned = plan !== null && (place === undefined || place === plan.place)
        const isLast = isPlanned && plan.left-- <= 0
        if (isLast && !plan.executed) return die(plan)
        refuseWhenTroubled(sql, storage, own)
        if (sql.startsWith('delete from "dnr_change_log"')) lookInside(own, onTrimming)
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
        close() {
          isDead = true
          disk.disconnect(own)
        },
        get inTransaction() {
          return !isDead && own.inTransaction
        },
        exec: (sql) => run(sql, () => own.exec(sql)),
        prepare(sql) {
          if (isDead) throw deadError()
          const statement = prepare(own, sql)
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

const preparedOf = new WeakMap<Driver, Map<string, Statement>>()

/** Once for each text, whoever asks: programs say the same few things very often. */
function prepare(driver: Driver, sql: string): Statement {
  const prepared = preparedOf.get(driver) ?? new Map<string, Statement>()
  preparedOf.set(driver, prepared)
  const statement = prepared.get(sql) ?? driver.prepare(sql)
  prepared.set(sql, statement)
  return statement
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
