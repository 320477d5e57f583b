import { type EpochRange, isEpochNamed, nameEpoch, type Position } from '@dnr/protocol'
import { sql } from 'kysely'
import { compileStatement } from '../database/compile.ts'
import type { Connection } from '../database/connection.ts'
import { HEAD_SQL, systemTables } from './log-tables.ts'

/** Where the log ends, as seen by one transaction. */
export interface LogHead {
  /** The epoch that offsets written now belong to; `null` in a database that has never been migrated. */
  readonly epoch: string | null
  readonly offset: number
}

/** {@link LogHead} as columns of a statement. */
export const headColumns = [
  sql<string | null>`(select epoch from dnr_log_epochs order by number desc limit 1)`.as('epoch'),
  sql<number>`${sql.raw(HEAD_SQL)}`.as('offset'),
]

const headStatement = compileStatement<object, LogHead>(() => systemTables.selectNoFrom(headColumns) as never)

const allEpochs = compileStatement<object, { epoch: string; first_offset: number }>(() =>
  systemTables.selectFrom('dnr_log_epochs').select(['epoch', 'first_offset']).orderBy('number'),
)

const insertEpoch = compileStatement<{ epoch: string; firstOffset: number; now: number }, unknown>((param) =>
  systemTables
    .insertInto('dnr_log_epochs')
    .values({ epoch: param('epoch'), first_offset: param('firstOffset'), opened_at: param('now') } as never),
)

const replaceEpoch = compileStatement<{ epoch: string; replaced: string; now: number }, unknown>((param) =>
  systemTables
    .updateTable('dnr_log_epochs')
    .set({ epoch: param('epoch'), opened_at: param('now') })
    .where('epoch', '=', param('replaced')),
)

/** Reads where the log ends; one statement. */
export function readHead(connection: Connection): LogHead {
  return connection.get(headStatement, {}) as LogHead
}

/** The head as a position. */
export function readHeadPosition(connection: Connection): Position {
  const { epoch, offset } = readHead(connection)
  return { epoch: epoch ?? 'none', offset }
}

/** All epochs of this history, oldest first. */
export function readEpochs(connection: Connection): EpochRange[] {
  return connection.all(allEpochs, {}).map((row) => ({ epoch: row.epoch, firstOffset: row.first_offset }))
}

/** Has the epoch of this own name been begun? */
export function hasBegun(connection: Connection, own: string): boolean {
  return readEpochs(connection).some(({ epoch }) => isEpochNamed(epoch, own))
}

/**
 * Begins a new epoch right after the head, and gives its name. One that began there, too, and in which nothing was written,
 * is replaced: epochs take room only where the log was written, however often programs open the file.
 */
export function beginEpoch(connection: Connection, own: string, head: number, now: number): string {
  const firstOffset = head + 1
  const last = readEpochs(connection).at(-1)
  const epoch = last?.firstOffset === firstOffset ? nameEpoch(own, last.epoch) : null
  if (last === undefined || epoch === null) {
    connection.run(insertEpoch, { epoch: own, firstOffset, now })
    return own
  }
  connection.run(replaceEpoch, { epoch, replaced: last.epoch, now })
  return epoch
}

/** Every process that writes adds one; who comes back after so many of them resynchronises. */
const MAX_EPOCHS = 1_000

const deleteOldEpochs = compileStatement<object, unknown>(() =>
  systemTables
    .deleteFrom('dnr_log_epochs')
    .where('number', '<=', (db) =>
      db.selectFrom('dnr_log_epochs').select(sql<number>`max(number) - ${sql.lit(MAX_EPOCHS)}`.as('oldest')),
    ),
)

/** Forgets the oldest epochs beyond the newest thousand. */
export function trimEpochs(connection: Connection): void {
  connection.run(deleteOldEpochs, {})
}

/**
 * The epoch in which `offset` was written: the newest one that had begun.
 *
 * An epoch in which nothing was written has the same first offset as the next one, which then is the right answer.
 */
export function epochAt(epochs: readonly EpochRange[], offset: number): string {
  const range = epochs.findLast(({ firstOffset }) => firstOffset <= offset)
  return (range ?? epochs[0])?.epoch ?? 'none'
}
