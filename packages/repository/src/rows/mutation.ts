import type { AnyEntity, CreateInput, Position, Principal, RowOf, UpdateInput } from '@dnr/protocol'
import type { Compilable } from 'kysely'

/** One write as data: what HTTP and sockets hand over. */
export interface Mutation {
  readonly operation: 'create' | 'update' | 'delete'
  /** Which row; for a creation the id that the caller chose, if any. */
  readonly id?: string
  readonly fields?: Readonly<Record<string, unknown>>
  /** Refuses the write unless the row is at this version; not for a creation, which is refused with it. */
  readonly ifVersion?: number
}

/** A row before and after a write that is about to happen. */
export interface WriteImages<E extends AnyEntity> {
  readonly operation: Mutation['operation']
  readonly before: RowOf<E> | null
  readonly after: RowOf<E> | null
  /** Names of the fields that the caller gave. */
  readonly fields: readonly string[]
  /** Is this a stored answer about to be given again? Then both images are the row as it is now. */
  readonly replay: boolean
}

/** Who writes, and under which id. */
export interface MutationContext<E extends AnyEntity = AnyEntity> {
  /** The actor of the change; also scopes `mutationId`. @default null: the server itself */
  readonly principal?: Principal | null
  /** Makes the write happen once however often it is asked for: 1–128 visible ASCII characters. */
  readonly mutationId?: string
  /**
   * Called synchronously inside the transaction, after the fields were checked and before the version is. Throw a
   * DnrError to refuse: nothing is written. Also called before a stored answer is given again.
   */
  authorize?(images: WriteImages<E>): void
}

/** What a write came to. */
export interface MutationResult<E extends AnyEntity = AnyEntity> {
  /** The row after it; `null` when deleted. */
  readonly row: RowOf<E> | null
  readonly version: number
  /** Where the change stands in the log. */
  readonly position: Position
  /** Is this the answer to an earlier call with the same mutation id? */
  readonly replayed: boolean
}

/** What a `prepare` hook may use. */
export interface PrepareContext {
  readonly principal: Principal | null
  /** Wall clock of the transaction, milliseconds since the epoch. */
  readonly now: number
  /** Reads inside the transaction: `query(database.kysely.selectFrom('Task').select(…))`. */
  query<Row>(query: Compilable<Row>): readonly Row[]
}

/**
 * Fills in what the server decides: creation times, ranks, owners. Synchronous, inside the transaction; may run again
 * when a transaction has to be repeated. What they return is checked like any input.
 */
export interface PrepareHooks<E extends AnyEntity = AnyEntity> {
  /** Gets what the caller gave, each field checked alone; returns the fields of the new row. */
  create?(fields: CreateInput<E>, context: PrepareContext): Readonly<Record<string, unknown>>
  /** Gets the checked patch and the row as it is; returns the fields to change. */
  update?(
    fields: UpdateInput<E>,
    before: RowOf<E>,
    context: PrepareContext,
  ): Readonly<Record<string, unknown>>
}
