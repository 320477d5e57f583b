import { sql } from 'kysely'
import { compileStatement } from '../database/compile.ts'
import type { Connection } from '../database/connection.ts'
import type { Old } from './age-limit.ts'
import { SCOPE_SQL } from '../rows/stored-answers.ts'
import { endOfTransaction } from './log-entries.ts'
import { systemTables } from './log-tables.ts'
import { readFloor } from './read-history.ts'

/** How much of the log stays. */
export interface TrimOptions {
  /** How many of the newest changes stay at most. @default Infinity: no limit by count */
  readonly keep?: number
  /**
   * Changes older than this go, milliseconds. Time counts while a process runs that trims, or that writes, for ten minutes or
   * more: neither a clock that is set nor a year without a server makes anything old. Exact to the millisecond in a process
   * that has run for so long; to an hour or two where processes start more often, or where a script trims.
   *
   * @default Infinity: no limit by age
   */
  readonly maxAgeMs?: number
  /**
   * Answers kept for repeated mutation ids go after this, milliseconds, counted as for `maxAgeMs`. A call looks at 10,000 of them and the next one
   * goes on from there, so the last goes with the nth call after, where there are n times 10,000.
   *
   * @default 86_400_000 (one day)
   */
  readonly mutationMaxAgeMs?: number
  /**
   * How many of those answers stay, the newest, whosever they are; more where the oldest of them stand at one offset, as
   * calls do that changed nothing. With this a call looks at all of them, twice.
   *
   * @default Infinity: no limit by count
   */
  readonly keepMutations?: number
}

/** What a trim did. */
export interface TrimResult {
  readonly removedChanges: number
  readonly removedMutations: number
  /** Everything up to this offset is gone. */
  readonly floor: number
}

/** Rows a batch deletes at most: small, so that no write waits long behind it. */
export const TRIM_BATCH = 500

interface Cut {
  readonly to: number
}

interface OldEntry {
  readonly offset: number
  readonly transaction_offset: number
  readonly at: number
}

const oldEntries = compileStatement<{ limit: number }, OldEntry>((param) =>
  systemTables
    .selectFrom('dnr_change_log')
    .select(['offset', 'transaction_offset', 'at'])
    .orderBy('offset')
    .limit(param('limit')),
)
const keepHeads = compileStatement<Cut, unknown>((param) =>
  systemTables
    .insertInto('dnr_entity_heads')
    .columns(['entity', 'last_offset'])
    .expression((db) =>
      db
        .selectFrom('dnr_change_log')
        .select((log) => ['entity', log.fn.max('offset').as('last_offset')])
        .where('offset', '<=', param('to'))
        .groupBy('entity'),
    )
    .onConflict((conflict) =>
      conflict.column('entity').doUpdateSet((row) => ({ last_offset: row.ref('excluded.last_offset') })),
    ),
)
const deleteEntries = compileStatement<Cut, unknown>((param) =>
  systemTables.deleteFrom('dnr_change_log').where('offset', '<=', param('to')),
)
// An answer that is still kept outlives the entry that it was read from.
const keepAnswers = compileStatement<Cut, unknown>((param) =>
  systemTables
    .updateTable('dnr_mutations')
    .from('dnr_change_log as entry')
    .set((row) => ({ answer: row.ref('entry.after') }))
    .where('entry.offset', '<=', param('to'))
    .where('entry.mutation_id', 'is not', null)
    .where('entry.after', 'is not', null)
    .where('dnr_mutations.scope', '=', sql<string>`${sql.raw(SCOPE_SQL)}`)
    .whereRef('dnr_mutations.mutation_id', '=', 'entry.mutation_id')
    .whereRef('dnr_mutations.offset', '=', 'entry.offset')
    .where('dnr_mutations.answer', 'is', null),
)
// Who still knew the deleted row has to resynchronise from here on, so its version need not be remembered.
const deleteTombstones = compileStatement<Cut, unknown>((param) =>
  systemTables.deleteFrom('dnr_tombstones').where('offset', '<=', param('to')),
)
const setFloor = compileStatement<Cut, unknown>((param) =>
  systemTables
    .updateTable('dnr_meta')
    .set({ value: param('to') })
    .where('name', '=', 'floor'),
)

/**
 * Deletes the oldest entries that may go, one batch of them, inside a write transaction. First the floor moves, by whole
 * transactions; what it has passed is nobody's any more, so that a long transaction goes batch by batch. The head and each
 * entity's last offset stay known.
 */
export function trimBatch(
  connection: Connection,
  old: Old,
  doneUpTo: number,
): { removed: number; floor: number } {
  const oldest = connection.all(oldEntries, { limit: TRIM_BATCH + 1 })
  const floor = passedBy(oldest, readFloor(connection)) ?? moveFloor(connection, oldest, old, doneUpTo)
  if (floor === undefined) return { removed: 0, floor: readFloor(connection) }
  const cut = { to: Math.min(floor, oldest[TRIM_BATCH - 1]?.offset ?? floor) }
  connection.run(keepHeads, cut)
  connection.run(keepAnswers, cut)
  const removed = connection.run(deleteEntries, cut)
  connection.run(deleteTombstones, cut)
  return { removed, floor }
}

/** The floor, if it has passed entries that are there still. */
function passedBy([first]: readonly OldEntry[], floor: number): number | undefined {
  return first !== undefined && first.offset <= floor ? floor : undefined
}

/** Moves it past the oldest whole transactions that may go; `undefined`: there are none. */
function moveFloor(
  connection: Connection,
  oldest: readonly OldEntry[],
  { before, upTo }: Old,
  doneUpTo: number,
): number | undefined {
  const stays = (entry: { offset: number; at: number }): boolean =>
    entry.offset > doneUpTo || (entry.offset > upTo && entry.at >= before)
  const to = lastExpendable(connection, oldest, stays)
  if (to !== undefined) connection.run(setFloor, { to })
  return to
}

/** The offset up to which one batch may go: always the end of a transaction. */
function lastExpendable(
  connection: Connection,
  batch: readonly OldEntry[],
  stays: (entry: { offset: number; at: number }) => boolean,
): number | undefined {
  const kept = batch.find(stays)
  if (kept === undefined && batch.length <= TRIM_BATCH) return batch.at(-1)?.offset
  const next = kept ?? batch.at(-1)
  if (next === undefined) return undefined
  const before = batch.findLast(
    (entry) => entry.offset < next.offset && entry.transaction_offset !== next.transaction_offset,
  )
  if (before !== undefined || kept !== undefined) return before?.offset
  // One transaction fills more than the batch: it goes whole or not at all.
  const end = endOfTransaction(connection, next)
  return stays({ offset: end, at: next.at }) ? undefined : end
}
