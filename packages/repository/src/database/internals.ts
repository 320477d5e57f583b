import { type AnyEntity, DnrError } from '@dnr/protocol'
import type { Executor } from '../rows/executor.ts'
import type { RealtimeRepository } from '../rows/realtime-repository.ts'
import type { MigratedTable } from '../schema/migrate.ts'
import type { DatabaseTransaction, RealtimeDatabase } from './realtime-database.ts'

/** What the parts of this package know of a database beyond its public face. */
export interface DatabaseInternals {
  readonly executor: Executor
  /** Where calls inside a transaction run. @throws DnrError `bad_option` for a transaction of another database */
  executorOf(transaction: DatabaseTransaction): Executor
  /** Makes a repository known, so that `migrate` finds its table. */
  register<E extends AnyEntity>(repository: RealtimeRepository<E>, table: MigratedTable): void
}

const internalsByDatabase = new WeakMap<object, DatabaseInternals>()

/** Keeps the internals of a database beside it, out of its public type. */
export function setInternals(database: object, internals: DatabaseInternals): void {
  internalsByDatabase.set(database, internals)
}

/** @throws DnrError `bad_option` for an object that `openDatabase` did not make */
export function internalsOf(database: Omit<RealtimeDatabase, 'kysely'>): DatabaseInternals {
  const internals = internalsByDatabase.get(database)
  if (internals === undefined)
    throw new DnrError('bad_option', 'database: expected what openDatabase returned.')
  return internals
}
