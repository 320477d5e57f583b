import type { AnyEntity, Position, RowOf, Where } from '@dnr/protocol'
import { readHeadPosition } from '../change-log/epochs.ts'
import type { Connection } from '../database/connection.ts'
import type { RowModel, StoredRow } from '../rows/row-model.ts'
import { readAfterId } from './find-rows.ts'
import type { Condition } from './read-query.ts'

/** A part of a large read. */
export interface SnapshotChunk<Row> {
  readonly rows: readonly Row[]
  /** The same for every chunk: the place in the log before the first one was read. */
  readonly position: Position
  readonly more: boolean
}

/** Which rows. */
export interface SnapshotQuery<Row> {
  /** Conditions that must all hold. @default all rows */
  readonly where?: Where<Row>
}

/** How large the parts are. */
export interface ChunkOptions {
  /** Rows of a chunk. @default 500 */
  readonly chunkRows?: number
}

/**
 * Reads by id, one short read a chunk, at least one chunk.
 *
 * Rows may be newer than `position`: whoever replays the log from there drops by `version` what a chunk already held.
 * Between two chunks the event loop turns, and no read transaction stays open.
 */
export async function* readChunks<E extends AnyEntity>(
  read: <T>(read: (connection: Connection) => T) => Promise<T>,
  model: RowModel<E>,
  where: readonly Condition[],
  chunkRows: number,
): AsyncGenerator<SnapshotChunk<RowOf<E>>, void, undefined> {
  type Stored = { readonly position: Position; readonly rows: StoredRow[] }
  const readChunk = (from: Stored | null): Promise<Stored> =>
    read((connection) => ({
      position: from?.position ?? readHeadPosition(connection),
      rows: readAfterId(
        connection,
        model,
        where,
        (from?.rows.at(chunkRows - 1)?.['id'] as string | undefined) ?? null,
        chunkRows + 1,
      ),
    }))
  for (let chunk = await readChunk(null); ; chunk = await readChunk(chunk)) {
    const more = chunk.rows.length > chunkRows
    const rows = chunk.rows.slice(0, chunkRows).map((row) => model.toTyped(row))
    yield { rows, position: chunk.position, more }
    if (!more) return
    await new Promise((resolve) => void setImmediate(resolve))
  }
}
