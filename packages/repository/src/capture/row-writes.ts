// What a repository tells the triggers of captured tables about its own writes, and how it learns of theirs. Holds the
// statements; when they run is write/write-transaction.ts' business. Next: capture-triggers.ts, which reads it.
import type { Operation } from '@dnr/protocol'
import { sql } from 'kysely'
import { systemTables } from '../change-log/log-tables.ts'
import { compileStatement } from '../database/compile.ts'
import type { Connection } from '../database/connection.ts'

/** A write that a repository has put into the log itself. */
export interface OwnWrite {
  readonly entity: string
  readonly id: string
  readonly operation: Operation
  readonly version: number
}

/** What a transaction has to know before it writes; asked in each, because another process may have switched capture on. */
export interface CaptureState {
  /** Does any table of this database log its writes by triggers? */
  readonly captures: number
  /** Have triggers kept anything from earlier transactions? */
  readonly leftovers: number
}

/** {@link CaptureState} as columns of a statement. */
export const captureColumns = [
  sql<number>`exists (select 1 from dnr_captured_tables)`.as('captures'),
  sql<number>`exists (select 1 from dnr_row_writes)`.as('leftovers'),
]

const announce = compileStatement<OwnWrite, unknown>((param) =>
  systemTables.replaceInto('dnr_row_writes').values({
    entity: param('entity'),
    row_id: param('id'),
    mark: param('operation'),
    kept: 0,
    version: param('version'),
  }),
)
const clear = compileStatement<object, unknown>(() => systemTables.deleteFrom('dnr_row_writes'))
const adopt = compileStatement<{ after: number; transaction: number; actor: string | null }, unknown>(
  (param) =>
    systemTables
      .updateTable('dnr_change_log')
      .set({ transaction_offset: param('transaction'), actor: param('actor') })
      .where('offset', '>', param('after')),
)
const join = compileStatement<{ first: number }, unknown>((param) =>
  systemTables
    .updateTable('dnr_change_log')
    .set({ transaction_offset: param('first') })
    .where('offset', '>=', param('first'))
    .where('transaction_offset', '!=', param('first')),
)

/** Begins the writes of a transaction, before anything else is written: what triggers keep from earlier ones is cleared away. */
export function beginRowWrites(connection: Connection, { leftovers }: CaptureState): void {
  if (leftovers === 1) connection.run(clear, {})
}

/** Says that the log has this write already. Known to this transaction alone, until {@link endRowWrites}. */
export function announceOwnWrite(connection: Connection, write: OwnWrite): void {
  connection.run(announce, write)
}

/** Before COMMIT: nothing that was announced outlives the transaction. */
export function endRowWrites(connection: Connection): void {
  connection.run(clear, {})
}

/** Makes what triggers have put into the log after an offset part of a transaction, in its writer's name. */
export function adoptEntries(
  connection: Connection,
  entries: { readonly after: number; readonly transaction: number; readonly actor: string | null },
): void {
  connection.run(adopt, entries)
}

/** Makes all entries from an offset on one transaction, in whosever name they are. */
export function joinEntries(connection: Connection, first: number): void {
  connection.run(join, { first })
}
