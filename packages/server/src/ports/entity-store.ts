import type { AnyEntity, OrderBy, Position, Principal, RowOf, Where } from '@dnr/protocol'

/**
 * Where the rows of one entity are kept. `RealtimeRepository` of @dnr/repository fits.
 *
 * Rows are typed rows (dates are `Date`); the server encodes them. All methods reject with a `DnrError`.
 */
export interface EntityStore<E extends AnyEntity = AnyEntity> {
  readonly entity: E
  get(id: string): Promise<RowOf<E> | null>
  /** A page in order, the id breaking ties; `next` continues it as `after`. */
  find(query?: FindQuery<E>): Promise<FoundRows<E>>
  /**
   * A large read in short ones, by key. `position` is that before the first chunk, the same in each: replaying the log
   * from there meets rows that a chunk already held newer, and versions tell. No read transaction outlives a turn of the loop.
   *
   * A chunk has at most `chunkRows` rows, and ends with the row that makes `chunkCharacters` characters of it: while a
   * subscriber does not read, the server holds one chunk for it.
   */
  snapshotChunks(
    query: { where?: Where<RowOf<E>> },
    options?: { chunkRows?: number; chunkCharacters?: number },
  ): AsyncIterable<SnapshotChunk<E>>
  /** One write inside one transaction, with its log entry and its idempotency record. */
  mutate(mutation: Mutation, context: MutationContext<E>): Promise<MutationResult<E>>
}

export interface FindQuery<E extends AnyEntity = AnyEntity> {
  where?: Where<RowOf<E>>
  orderBy?: OrderBy<RowOf<E>>
  limit?: number
  after?: string
}

export interface FoundRows<E extends AnyEntity = AnyEntity> {
  rows: readonly RowOf<E>[]
  next: string | null
  position: Position
}

export interface SnapshotChunk<E extends AnyEntity = AnyEntity> {
  rows: readonly RowOf<E>[]
  position: Position
  more: boolean
}

/** A write as it was asked for; nothing in it is trusted. */
export interface Mutation {
  operation: 'create' | 'update' | 'delete'
  id?: string
  fields?: Readonly<Record<string, unknown>>
  ifVersion?: number
}

export interface MutationContext<E extends AnyEntity = AnyEntity> {
  /** Who writes; scopes `mutationId` and is the actor of the change. */
  principal?: Principal | null
  /** 1–128 visible ASCII characters. The same id again gives the stored answer. */
  mutationId?: string
  /**
   * Called inside the transaction, after validation and before the version check; synchronous. Throwing a `DnrError`
   * refuses: nothing is written. It is also called, with the row as it is now as both images and `replay: true`,
   * before a stored answer is given again.
   */
  authorize?(images: MutationImages<E>): void
}

export interface MutationImages<E extends AnyEntity = AnyEntity> {
  operation: Mutation['operation']
  before: RowOf<E> | null
  after: RowOf<E> | null
  /** Names of the fields that the caller gave. */
  fields: readonly string[]
  replay: boolean
}

export interface MutationResult<E extends AnyEntity = AnyEntity> {
  /** The row after the write; `null` when deleted. */
  row: RowOf<E> | null
  version: number
  position: Position
  /** Was this the stored answer of an earlier write with the same id? */
  replayed: boolean
}
