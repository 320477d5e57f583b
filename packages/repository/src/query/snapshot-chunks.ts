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
  /** Rows of a chunk at most. @default 500 */
  readonly chunkRows?: number
  /** Characters of text, as it is stored: a chunk ends with the row that makes so many of it. @default Infinity */
  readonly chunkCharacters?: number
}

/** What is known of the rows of a table: how many characters one has, as those had that were read last. */
export interface RowSizes {
  average: number
}

/** What {@link readChunks} reads. */
export interface ChunkedRead<E extends AnyEntity> {
  readonly model: RowModel<E>
  readonly where: readonly Condition[]
  readonly sizes: RowSizes
  read<T>(read: (connection: Connection) => T): Promise<T>
}

/**
 * Reads by id, one short read a chunk, at least one chunk.
 *
 * Rows may be newer than `position`: whoever replays the log from there drops by `version` what a chunk already held.
 * Between two chunks the event loop turns, and no read transaction stays open.
 */
export async function* readChunks<E extends AnyEntity>(
  { model, where, sizes, read }: ChunkedRead<E>,
  { chunkRows, chunkCharacters }: Required<ChunkOptions>,
): AsyncGenerator<SnapshotChunk<RowOf<E>>, void, undefined> {
  let position: Position | null = null
  let after: string | null = null
  for (;;) {
    const limit = rowsWithin(chunkCharacters, sizes, chunkRows)
    const chunk = await read((connection) => {
      position ??= readHeadPosition(connection)
      const stored = readAfterId(connection, model, where, after, limit + 1)
      const count = countWithin(chunkCharacters, stored.slice(0, limit), model, sizes)
      return {
        rows: stored.slice(0, count).map((row) => model.toTyped(row)),
        position,
        more: count < stored.length,
      }
    })
    yield chunk
    if (!chunk.more) return
    after = chunk.rows.at(-1)?.id ?? null
    await new Promise((resolve) => void setImmediate(resolve))
  }
}

/** So many rows are asked for: what is read beyond the characters is read again. */
function rowsWithin(characters: number, { average }: RowSizes, most: number): number {
  return Math.max(1, Math.min(most, Math.ceil(characters / average)))
}

/** How many of the rows a chunk takes; notes how large they are. */
function countWithin(most: number, stored: readonly StoredRow[], model: RowModel, sizes: RowSizes): number {
  let characters = 0
  let count = 0
  for (const row of stored) {
    if (characters >= most) break
    characters += model.charactersOf(row)
    count++
  }
  if (count > 0) sizes.average = characters / count
  return count
}
