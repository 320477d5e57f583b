import { type Change, holdsPosition, type Position } from '@dnr/protocol'
import { compileStatement } from '../database/compile.ts'
import type { Connection } from '../database/connection.ts'
import { epochAt, readEpochs, readHead } from './epochs.ts'
import { type EntryPage, endOfTransaction, readEntries, type StoredEntry, toChange } from './log-entries.ts'
import { systemTables } from './log-tables.ts'

/** Which changes, after which position. */
export interface HistoryRequest {
  readonly after: Position
  readonly entity: string
  /** One row's changes alone. */
  readonly id?: string
  /** About how many changes; a longer transaction comes whole, unless it has more than `maxWholeChanges`. */
  readonly limit: number
  /** The page ends with the transaction in which the images of its changes have so many characters. @default Infinity */
  readonly maxCharacters?: number
}

/** The changes, or why the log cannot tell what came after the position. */
export type HistoryPage =
  | { readonly holds: false; readonly reason: 'unknown_epoch' | 'trimmed' | 'ahead' }
  | {
      readonly holds: true
      readonly changes: readonly Change[]
      /** Everything of this entity up to here is covered by the changes so far. */
      readonly position: Position
      readonly more: boolean
      /** Do more of the last transaction's changes follow? */
      readonly isCut?: boolean
    }

const floorStatement = compileStatement<object, { value: number }>(() =>
  systemTables.selectFrom('dnr_meta').select('value').where('name', '=', 'floor'),
)

const entityHead = compileStatement<{ entity: string }, { last: number }>(
  (param) =>
    systemTables.selectNoFrom((db) =>
      db.fn
        .coalesce(
          db
            .selectFrom('dnr_change_log')
            .select((log) => log.fn.max('offset').as('last'))
            .where('entity', '=', param('entity')),
          db.selectFrom('dnr_entity_heads').select('last_offset').where('entity', '=', param('entity')),
          db.lit(0),
        )
        .as('last'),
    ) as never,
)

/** Everything up to this offset may have been trimmed. */
export function readFloor(connection: Connection): number {
  return connection.get(floorStatement, {})?.value ?? 0
}

/** One page of an entity's history; a read of one moment. */
export function readHistory(
  connection: Connection,
  request: HistoryRequest,
  maxWholeChanges: number,
): HistoryPage {
  const { after, entity } = request
  const head = readHead(connection)
  const epochs = readEpochs(connection)
  if (!holdsPosition(epochs, head.offset, after)) {
    const range = epochs.find(({ epoch }) => epoch === after.epoch)
    const isAhead = range !== undefined && after.offset >= range.firstOffset
    return { holds: false, reason: isAhead ? 'ahead' : 'unknown_epoch' }
  }
  const last = connection.get(entityHead, { entity })?.last ?? 0
  const here = { epoch: head.epoch ?? after.epoch, offset: head.offset }
  // Who has seen an entity's last change has missed nothing, however far the log has been trimmed.
  if (after.offset >= last) return { holds: true, changes: [], position: here, more: false }
  if (after.offset < readFloor(connection)) return { holds: false, reason: 'trimmed' }

  const read = readEntries(connection, { ...request, after: after.offset, maxWholeChanges })
  const { isCut } = read
  const rows = withinCharacters(read, request.maxCharacters ?? Number.POSITIVE_INFINITY)
  const more = read.more || rows.length < read.rows.length
  const changes = rows.map((row) => toChange(row, epochs))
  const lastRow = rows.at(-1)
  if (!more || lastRow === undefined) return { holds: true, changes, position: here, more: false }
  const isEnd = isCut || lastRow.last === 1
  const offset = isEnd ? lastRow.offset : endOfTransaction(connection, lastRow)
  return { holds: true, changes, position: { epoch: epochAt(epochs, offset), offset }, more: true, isCut }
}

/** Those up to the end of the transaction, unless it is cut, in which the images have so many characters. */
function withinCharacters({ rows, isCut }: EntryPage, most: number): readonly StoredEntry[] {
  let characters = 0
  for (const [index, { before, after, transaction_offset }] of rows.entries()) {
    characters += (before?.length ?? 0) + (after?.length ?? 0)
    const isEnd = isCut || rows[index + 1]?.transaction_offset !== transaction_offset
    if (characters >= most && isEnd) return rows.slice(0, index + 1)
  }
  return rows
}
