import type { Change, EpochRange, Operation, WireRow } from '@dnr/protocol'
import { sql } from 'kysely'
import { type CompiledStatement, compileStatement } from '../database/compile.ts'
import type { Connection } from '../database/connection.ts'
import { corruptError } from '../database/storage-error.ts'
import { epochAt, readHead } from './epochs.ts'
import { type LogRow, systemTables } from './log-tables.ts'

/** What a write hands to the log: the change without its place. */
export type LogEntry = Omit<PlacedEntry, 'position' | 'transaction' | 'at'>

/** A change in its place; which one is the last of its transaction is not known yet. */
export type PlacedEntry = Omit<Change, 'last' | 'unlogged'>

/** The images of a change as they are stored. */
export interface ImageTexts {
  readonly before: string | null
  readonly after: string | null
}

type EntryValues = Omit<LogRow, 'entity' | 'operation'>
type Inserts = Readonly<Record<Operation, CompiledStatement<EntryValues, unknown>>>

// What all entries of an entity and operation share stands in the SQL: handing a value over costs more than storing it.
const compileInsert = (entity: string, operation: Operation): CompiledStatement<EntryValues, unknown> =>
  compileStatement<EntryValues, unknown>((param) =>
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
  )

const insertsByEntity = new Map<string, Inserts>()

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

/** Appends an entry at its offset, which the caller has counted inside its write transaction. */
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

interface Page {
  readonly after: number
  readonly limit: number
}

/** An entry as it is read. */
export type StoredEntry = LogRow & { readonly last: number }

// Offsets are contiguous within a transaction, so the entry after the last one belongs to another or does not exist.
const entries = systemTables
  .selectFrom('dnr_change_log as entry')
  .selectAll('entry')
  .select(
    sql<number>`not exists (select 1 from dnr_change_log as next where next."offset" = entry."offset" + 1
      and next.transaction_offset = entry.transaction_offset)`.as('last'),
  )
  .orderBy('offset')

const everyEntry = compileStatement<Page, StoredEntry>((param) =>
  entries.where('offset', '>', param('after')).limit(param('limit')),
)
const entityEntries = compileStatement<Page & { entity: string }, StoredEntry>((param) =>
  entries.where('entity', '=', param('entity')).where('offset', '>', param('after')).limit(param('limit')),
)
const recordEntries = compileStatement<Page & { entity: string; id: string }, StoredEntry>((param) =>
  entries
    .where('entity', '=', param('entity'))
    .where('row_id', '=', param('id'))
    .where('offset', '>', param('after'))
    .limit(param('limit')),
)
const nextTransaction = compileStatement<{ offset: number; transaction: number }, { first: number }>(
  (param) =>
    systemTables
      .selectFrom('dnr_change_log')
      .select('offset as first')
      .where('offset', '>', param('offset'))
      .where('transaction_offset', '!=', param('transaction'))
      .orderBy('offset')
      .limit(1),
)

/** Which entries: all, one entity's, or one row's. */
export interface EntryFilter {
  readonly entity?: string
  readonly id?: string
}

/** Entries as they were read. */
export interface EntryPage {
  readonly rows: readonly StoredEntry[]
  readonly more: boolean
  /** Do more of the last transaction's entries follow? */
  readonly isCut: boolean
}

/**
 * Entries after an offset, in log order: whole transactions, be the first of them longer than `limit`, unless it has more than
 * `maxWholeChanges`.
 */
export function readEntries(
  connection: Connection,
  request: EntryFilter & Page & { readonly maxWholeChanges?: number },
): EntryPage {
  const { limit, maxWholeChanges = Number.POSITIVE_INFINITY } = request
  const rows = select(connection, request, limit + 1)
  if (rows.length <= limit) return { rows, more: false, isCut: false }
  const lastRow = rows[rows.length - 1] as StoredEntry
  const transaction = lastRow.transaction_offset
  // Those at the end alone: an earlier version could write others between the entries of one transaction.
  const whole = rows.slice(0, 1 + rows.findLastIndex((row) => row.transaction_offset !== transaction))
  if (whole.length > 0) return { rows: whole, more: true, isCut: false }
  const length = endOfTransaction(connection, lastRow) - transaction + 1
  return length > maxWholeChanges
    ? { rows: rows.slice(0, limit), more: true, isCut: true }
    : readFirstTransaction(connection, request, { transaction, length })
}

function readFirstTransaction(
  connection: Connection,
  request: EntryFilter & Page,
  { transaction, length }: { readonly transaction: number; readonly length: number },
): EntryPage {
  const rows = select(connection, request, length + 1)
  const next = rows.findIndex((row) => row.transaction_offset !== transaction)
  return next < 0
    ? { rows, more: false, isCut: false }
    : { rows: rows.slice(0, next), more: true, isCut: false }
}

function select(
  connection: Connection,
  { entity, id, after }: EntryFilter & Page,
  limit: number,
): StoredEntry[] {
  if (entity === undefined) return connection.all(everyEntry, { after, limit })
  return id === undefined
    ? connection.all(entityEntries, { entity, after, limit })
    : connection.all(recordEntries, { entity, id, after, limit })
}

/** The last offset of the transaction that an entry belongs to. */
export function endOfTransaction(
  connection: Connection,
  { offset, transaction_offset: transaction }: Pick<LogRow, 'offset' | 'transaction_offset'>,
): number {
  const next = connection.get(nextTransaction, { offset, transaction })
  return next === undefined ? readHead(connection).offset : next.first - 1
}

/** An entry of the log as the change it records. */
export function toChange(row: StoredEntry, epochs: readonly EpochRange[]): Change {
  return {
    entity: row.entity,
    id: row.row_id,
    operation: row.operation,
    version: row.version,
    before: parseImage(row.before),
    after: parseImage(row.after),
    mutationId: row.mutation_id,
    actor: row.actor,
    at: row.at,
    position: { epoch: epochAt(epochs, row.offset), offset: row.offset },
    transaction: row.transaction_offset,
    last: row.last === 1,
  }
}

/** A stored image. @throws DnrError `storage_corrupt` */
export function parseImage(text: string | null): WireRow | null {
  if (text === null) return null
  try {
    return JSON.parse(text) as WireRow
  } catch (cause) {
    throw corruptError('an image in the change log is no JSON', cause)
  }
}
