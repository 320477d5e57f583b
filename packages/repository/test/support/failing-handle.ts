import Database from 'better-sqlite3'
import type { SqliteHandle } from '../../src/index.ts'
import { type Around, watchDriver, watchHandle } from './watched-handle.ts'

/** What the disk does to statements that match. */
export interface Fault {
  readonly statement: RegExp
  /** SQLite's name of the error. */
  readonly code: string
  /** Does the statement take effect before it fails? A COMMIT may. @default false */
  readonly tookEffect?: boolean
}

/** Real databases whose disk fails when it is told to. */
export interface FailingDisk extends Disposable {
  fault: Fault | null
  /** `undefined`: those that are opened by path. */
  readonly handle?: SqliteHandle
}

/** One that is given to `openDatabase`. */
export interface FailingHandle extends FailingDisk {
  readonly handle: SqliteHandle
}

export function openFailingHandle(path: string): FailingHandle {
  const inner = new Database(path)
  const failing: FailingHandle = {
    fault: null,
    handle: watchHandle(inner, (sql, run) => runOn(failing, sql, run)),
    [Symbol.dispose]: () => void inner.close(),
  }
  return failing
}

/** Those that are opened by path, until it is disposed of. */
export function startFailingDisk(): FailingDisk {
  const watch = watchDriver((sql, run) => runOn(failing, sql, run))
  const failing: FailingDisk = { fault: null, [Symbol.dispose]: () => watch[Symbol.dispose]() }
  return failing
}

function runOn({ fault }: FailingDisk, sql: string, run: () => unknown): ReturnType<Around> {
  if (fault === null || !fault.statement.test(sql)) return run()
  if (fault.tookEffect === true) run()
  throw new Database.SqliteError('disk I/O error', fault.code)
}
