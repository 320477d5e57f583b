// Do rows and log tell the same story? Holds the fold of the log while it looks; changes nothing.
import { DnrError, type WireRow } from '@dnr/protocol'
import { compileStatement } from '../database/compile.ts'
import type { Connection } from '../database/connection.ts'
import { nextTurn } from '../database/next-turn.ts'
import type { Reads } from '../database/reads.ts'
import { readAfterId } from '../query/find-rows.ts'
import type { RowModel } from '../rows/row-model.ts'
import { parseImage, readEntries } from './log-entries.ts'
import { systemTables } from './log-tables.ts'
import { readFloor } from './read-history.ts'

/** A row about which table and log disagree. */
export interface RowDifference {
  readonly entity: string
  readonly id: string
  /**
   * `unlogged`: a row that the log has never heard of, although nothing was trimmed: older than the log, or written around
   * it. `missing`: the log has it, the table does not. `version`, `fields`: both have it, and differ in that.
   */
  readonly difference: 'unlogged' | 'missing' | 'version' | 'fields'
}

/** What {@link verifyLog} found. */
export interface Verification {
  /** Are there no differences? */
  readonly ok: boolean
  /** Rows that were compared. */
  readonly rows: number
  /** The first hundred. */
  readonly differences: readonly RowDifference[]
}

/** What the log says last about a row. */
interface LastEntry {
  readonly offset: number
  readonly version: number
  readonly isDeletion: boolean
}

const MAX_DIFFERENCES = 100
/** Entries or rows of one read: a few milliseconds. */
const CHUNK = 500

const imageAt = compileStatement<{ offset: number }, { after: string | null }>((param) =>
  systemTables.selectFrom('dnr_change_log').select('after').where('offset', '=', param('offset')),
)

/**
 * Folds the log and compares the outcome with the tables, in short reads between which others write; the comparison of
 * a row and the log's end belong to one read.
 *
 * @throws DnrError `busy` when the log is trimmed beyond what has been read meanwhile
 */
export async function verifyLog(reads: Reads, models: readonly RowModel[]): Promise<Verification> {
  const fold = createLogFold()
  while (await reads.read((connection) => fold.step(connection))) await nextTurn()
  const differences: RowDifference[] = []
  let rows = 0
  for (const model of models) {
    const found = await verifyEntity(reads, fold, model)
    rows += found.rows
    differences.push(...found.differences)
  }
  return { ok: differences.length === 0, rows, differences: differences.slice(0, MAX_DIFFERENCES) }
}

interface LogFold {
  /** Takes the next entries; false when there were none. */
  step(connection: Connection): boolean
  /** Takes all entries that there are. */
  complete(connection: Connection): void
  last(entity: string, id: string): LastEntry | undefined
  entriesOf(entity: string): ReadonlyMap<string, LastEntry>
  /** Has nothing ever been trimmed? */
  readonly isWhole: boolean
}

function createLogFold(): LogFold {
  const entities = new Map<string, Map<string, LastEntry>>()
  const none: ReadonlyMap<string, LastEntry> = new Map()
  let isWhole = true
  let upTo = -1

  const step = (connection: Connection): boolean => {
    const floor = readFloor(connection)
    if (upTo === -1) {
      isWhole = floor === 0
      upTo = floor
    }
    if (floor > upTo)
      throw new DnrError('busy', 'The log was trimmed while it was being compared: verify again.', {
        retryable: true,
      })
    const { rows } = readEntries(connection, { after: upTo, limit: CHUNK })
    for (const { entity, row_id, offset, version, operation } of rows) {
      const entries = entities.get(entity) ?? new Map<string, LastEntry>()
      entities.set(entity, entries.set(row_id, { offset, version, isDeletion: operation === 'deleted' }))
      upTo = offset
    }
    return rows.length > 0
  }

  return {
    step,
    complete(connection) {
      while (step(connection));
    },
    last: (entity, id) => entities.get(entity)?.get(id),
    entriesOf: (entity) => entities.get(entity) ?? none,
    get isWhole() {
      return isWhole
    },
  }
}

async function verifyEntity(
  reads: Reads,
  fold: LogFold,
  model: RowModel,
): Promise<{ rows: number; differences: readonly RowDifference[] }> {
  const entity = model.entity.name
  const seen = new Set<string>()
  const differences: RowDifference[] = []
  const note = (id: string, difference: RowDifference['difference'] | null): void => {
    if (difference !== null) differences.push({ entity, id, difference })
  }

  for (let after: string | null = null, more = true; more; await nextTurn()) {
    const stored = await reads.read((connection) => {
      fold.complete(connection)
      const chunk = readAfterId(connection, model, [], after, CHUNK)
      for (const row of chunk) {
        const wire = model.toWire(row)
        seen.add(wire.id)
        note(wire.id, compareRow(connection, fold, entity, wire))
      }
      return chunk
    })
    after = (stored.at(-1)?.['id'] as string | undefined) ?? null
    more = stored.length === CHUNK
  }

  await reads.read((connection) => {
    fold.complete(connection)
    for (const [id, { isDeletion }] of fold.entriesOf(entity)) {
      if (!isDeletion && !seen.has(id) && !exists(connection, model, id)) note(id, 'missing')
    }
  })
  return { rows: seen.size, differences }
}

function compareRow(
  connection: Connection,
  fold: LogFold,
  entity: string,
  row: WireRow,
): RowDifference['difference'] | null {
  const last = fold.last(entity, row.id)
  if (last === undefined) return fold.isWhole ? 'unlogged' : null
  if (last.isDeletion) return 'unlogged'
  if (last.version !== row.version) return 'version'
  // Trimmed since it was folded: the log does not say any more what the fields were.
  if (last.offset <= readFloor(connection)) return null
  const image = parseImage(connection.get(imageAt, { offset: last.offset })?.after ?? null)
  return image !== null && isSameRow(image, row) ? null : 'fields'
}

/** Fields that the entity has got or lost since are not compared. */
function isSameRow(image: WireRow, row: WireRow): boolean {
  const names = Object.keys(image).filter((name) => name in row)
  return names.every((name) => JSON.stringify(image[name]) === JSON.stringify(row[name]))
}

function exists(connection: Connection, model: RowModel, id: string): boolean {
  return connection.query(`SELECT 1 FROM "${model.table}" WHERE id = ?`, [id]).length > 0
}
