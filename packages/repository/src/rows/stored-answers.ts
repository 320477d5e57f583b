// Answers kept under their mutation ids, so that a write asked for twice happens once. Holds the rule of what is the
// same request; the records commit with the write they answer.
import { DnrError, type Position, type Principal } from '@dnr/protocol'
import { sql } from 'kysely'
import { epochAt, readEpochs } from '../change-log/epochs.ts'
import { compileStatement } from '../database/compile.ts'
import type { Connection } from '../database/connection.ts'
import { systemTables } from '../change-log/log-tables.ts'

/** What a mutation answered when it took effect. */
export interface StoredAnswer {
  /** The row after it in its JSON form, as text; `null` for a deletion. For a bulk call a list of the rows that it answers with. */
  readonly answer: string | null
  /** Of the row; for a bulk call how many rows there were. */
  readonly version: number
  readonly position: Position
}

/** The scope of the mutation id of `entry`, in the log. */
export const SCOPE_SQL = "iif(entry.actor IS NULL, '', 'user:' || entry.actor)"

interface Key {
  readonly scope: string
  readonly mutationId: string
}

type Row = { answer: string | null; version: number; offset: number; fingerprint: string }

const findAnswer = compileStatement<Key, Row>((param) =>
  systemTables
    .selectFrom('dnr_mutations')
    .select(['version', 'offset', 'fingerprint'])
    .select(
      sql<string | null>`coalesce(answer,
        (select "after" from dnr_change_log as entry where entry."offset" = dnr_mutations."offset"))`.as(
        'answer',
      ),
    )
    .where('scope', '=', param('scope'))
    .where('mutation_id', '=', param('mutationId')),
)

const insertAnswer = compileStatement<Key & Row & { at: number }, unknown>((param) =>
  systemTables.insertInto('dnr_mutations').values({
    scope: param('scope'),
    mutation_id: param('mutationId'),
    fingerprint: param('fingerprint'),
    version: param('version'),
    offset: param('offset'),
    at: param('at'),
    answer: param('answer'),
  }),
)

/** Mutation ids are each user's own; `''` are those of guests and of the server itself. {@link SCOPE_SQL} is the same. */
function scopeOf(principal: Principal | null): string {
  return principal === null ? '' : `user:${principal.id}`
}

/**
 * The answer given to this mutation before, if any.
 *
 * @throws DnrError `mutation_id_reused` when the id was used for something else.
 */
export function findStoredAnswer(
  connection: Connection,
  principal: Principal | null,
  mutationId: string,
  fingerprint: string,
): StoredAnswer | null {
  const row = connection.get(findAnswer, { scope: scopeOf(principal), mutationId })
  if (row === undefined) return null
  if (row.fingerprint !== fingerprint) {
    throw new DnrError(
      'mutation_id_reused',
      `The mutation id "${mutationId}" was used for another write. Give every write an id of its own.`,
    )
  }
  const { answer, version, offset } = row
  return { answer, version, position: positionAt(connection, offset) }
}

/** An offset that has been written, in the epoch in which that was. */
export function positionAt(connection: Connection, offset: number): Position {
  return { epoch: epochAt(readEpochs(connection), offset), offset }
}

/** Keeps an answer, in the transaction of its write. One that is the image in the log at `position` is given as `null`. */
export function storeAnswer(
  connection: Connection,
  principal: Principal | null,
  mutationId: string,
  fingerprint: string,
  { answer, version, position }: StoredAnswer,
  at: number,
): void {
  connection.run(insertAnswer, {
    scope: scopeOf(principal),
    mutationId,
    fingerprint,
    answer,
    version,
    offset: position.offset,
    at,
  })
}
