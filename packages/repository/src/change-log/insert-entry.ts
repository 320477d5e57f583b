// How an entry gets into the log. Holds the statements of each entity; where an entry stands, its caller has counted inside
// the write transaction. Next: log-entries.ts, which reads them.
import type { Operation } from '@dnr/protocol'
import { sql } from 'kysely'
import { type CompiledStatement, compileStatement } from '../database/compile.ts'
import type { Connection } from '../database/connection.ts'
import type { ImageTexts, PlacedEntry } from './log-entries.ts'
import { type LogRow, systemTables } from './log-tables.ts'

type Values = Omit<LogRow, 'entity' | 'operation'>
type Inserts = Readonly<Record<Operation, CompiledStatement<Values, unknown>>>

const insertsByEntity = new Map<string, Inserts>()

/** Appends an entry at its offset. */
export function insertLogEntry(connection: Connection, entry: PlacedEntry, texts: ImageTexts): void {
  connection.run(insertsOf(entry.entity)[entry.operation], {
    offset: entry.position.offset,
    transaction_offset: entry.transaction,
    row_id: entry.id,
    version: entry.version,
    before: texts.before,
    after: texts.after,
    mutation_id: entry.mutationId,
    actor: entry.actor,
    at: entry.at,
  })
}

/** Compiled once for each entity. */
function insertsOf(entity: string): Inserts {
  const known = insertsByEntity.get(entity)
  if (known !== undefined) return known
  const inserts = {
    created: compileInsert(entity, 'created'),
    updated: compileInsert(entity, 'updated'),
    deleted: compileInsert(entity, 'deleted'),
  }
  insertsByEntity.set(entity, inserts)
  return inserts
}

/** What all entries of an entity and operation share stands in the SQL: handing a value over costs more than storing it. */
function compileInsert(entity: string, operation: Operation): CompiledStatement<Values, unknown> {
  return compileStatement<Values, unknown>(
    (param) =>
      systemTables.insertInto('dnr_change_log').values({
        offset: param('offset'),
        transaction_offset: param('transaction_offset'),
        entity: sql.lit(entity),
        row_id: param('row_id'),
        operation: sql.lit(operation),
        version: param('version'),
        before: operation === 'created' ? sql.lit(null) : param('before'),
        after: operation === 'deleted' ? sql.lit(null) : param('after'),
        mutation_id: param('mutation_id'),
        actor: param('actor'),
        at: param('at'),
      }),
    inOrder[operation],
  )
}

const inOrder: Readonly<Record<Operation, (values: Values) => unknown[]>> = {
  created: (v) => [
    v.offset,
    v.transaction_offset,
    v.row_id,
    v.version,
    v.after,
    v.mutation_id,
    v.actor,
    v.at,
  ],
  updated: (v) => [
    v.offset,
    v.transaction_offset,
    v.row_id,
    v.version,
    v.before,
    v.after,
    v.mutation_id,
    v.actor,
    v.at,
  ],
  deleted: (v) => [
    v.offset,
    v.transaction_offset,
    v.row_id,
    v.version,
    v.before,
    v.mutation_id,
    v.actor,
    v.at,
  ],
}
