// The rows of one entity. Holds what can be asked of them; every write goes through write/ and leaves its change in
// change-log/. Next: the relay carries the changes on.
import {
  type AnyEntity,
  type CreateInput,
  DnrError,
  type Entity,
  isEntityName,
  type Position,
  type Principal,
  type RowOf,
  type UpdateInput,
} from '@dnr/protocol'
import { nanoid } from 'nanoid'
import { readHeadPosition } from '../change-log/epochs.ts'
import { internalsOf } from '../database/internals.ts'
import type { DatabaseTransaction, RealtimeDatabase } from '../database/realtime-database.ts'
import { type FindQuery, type Page, prepareFind, readAll } from '../query/find-rows.ts'
import { readWhere } from '../query/read-query.ts'
import {
  type ChunkOptions,
  readChunks,
  type RowSizes,
  type SnapshotChunk,
  type SnapshotQuery,
} from '../query/snapshot-chunks.ts'
import type { BulkOptions, BulkResult, BulkSelection } from './bulk.ts'
import type { RowWriter } from './check-mutation.ts'
import type { Executor } from './executor.ts'
import type { Mutation, MutationContext, MutationResult, PrepareHooks } from './mutation.ts'
import { createRowModel } from './row-model.ts'
import { createRowStatements } from './row-statements.ts'
import { checkId } from './validate.ts'
import { prepareWrite } from './answered-write.ts'
import { type PreparedBulk, prepareCreateMany, prepareDeleteMany, prepareUpdateMany } from './write-many.ts'

/** Who writes, and under which id. */
export interface WriteOptions {
  /** The actor of the change; scopes `mutationId`. @default null: the server itself */
  readonly principal?: Principal | null
  /** Makes the write happen once however often it is asked for: 1–128 visible ASCII characters. */
  readonly mutationId?: string
}

/** {@link WriteOptions}, and the version that the writer has seen. */
export interface ChangeOptions extends WriteOptions {
  /** Refuses the write with `VersionConflict` unless the row is at this version. */
  readonly ifVersion?: number
}

/** What can be done with the rows of one entity. Every method rejects with a {@link DnrError}. */
export interface RowOperations<E extends AnyEntity> {
  /**
   * Writes a new row. Defaults of the schema are applied; without an `id` one is made.
   *
   * @throws DnrError `bad_field`, `id_taken`, `mutation_id_reused`, `busy`, `storage_full`, `storage_failed`
   */
  create(fields: CreateInput<E>, options?: WriteOptions): Promise<RowOf<E>>
  /** The row, or `null` when there is none. */
  get(id: string): Promise<RowOf<E> | null>
  /** One page of rows, and the position at which they were read. @throws DnrError `bad_query` */
  find(query?: FindQuery<RowOf<E>>): Promise<Page<RowOf<E>>>
  /**
   * Changes fields of a row; the row's version rises by one, also when the values are what they were.
   *
   * @throws DnrError `not_found`, `bad_field`, and what `create` throws; VersionConflict with the row as it is now
   */
  update(id: string, patch: UpdateInput<E>, options?: ChangeOptions): Promise<RowOf<E>>
  /** Removes a row. @throws DnrError `not_found`; VersionConflict with the row as it is now */
  delete(id: string, options?: ChangeOptions): Promise<void>
  /**
   * Writes many new rows, all or none, in one transaction: their changes stand in the log in the order given and reach
   * subscribers together. Up to 1,000 rows ({@link MAX_BULK_ROWS}). With a `mutationId` the whole call happens once, and
   * its rows come back when it is asked for again.
   *
   * @throws DnrError `too_many_rows` and what `create` throws; details and message name the row by its index
   */
  createMany(rows: readonly CreateInput<E>[], options?: BulkOptions<E>): Promise<readonly RowOf<E>[]>
  /**
   * Changes the same fields of many rows, all or none, in one transaction. Rows named by id are changed in the order
   * given, and each must exist; those of a `where` are read inside the transaction and changed by id.
   *
   * @throws DnrError `too_many_rows`, `bad_query`, and what `update` throws; details and message name the row by its index
   */
  updateMany(
    rows: BulkSelection<RowOf<E>>,
    patch: UpdateInput<E>,
    options?: BulkOptions<E>,
  ): Promise<BulkResult>
  /** Removes many rows, all or none, in one transaction; which and in which order as with `updateMany`. */
  deleteMany(rows: BulkSelection<RowOf<E>>, options?: BulkOptions<E>): Promise<BulkResult>
  /** All rows that match, by id, and the position they are true at; one read, so for results that fit in memory. */
  snapshot(
    query?: SnapshotQuery<RowOf<E>>,
  ): Promise<{ readonly rows: readonly RowOf<E>[]; readonly position: Position }>
  /** A write as data, for HTTP and sockets: what `create`, `update` and `delete` do, with an `authorize` hook. */
  mutate(mutation: Mutation, context?: MutationContext<E>): Promise<MutationResult<E>>
}

/** The rows of one entity, in one database. */
export interface RealtimeRepository<E extends AnyEntity = AnyEntity> extends RowOperations<E> {
  readonly entity: E
  readonly table: string
  /**
   * Reads large results in short ones. The position is that before the first chunk: replay the log from there, and drop
   * by `version` what a chunk already held.
   */
  snapshotChunks(
    query?: SnapshotQuery<RowOf<E>>,
    options?: ChunkOptions,
  ): AsyncIterable<SnapshotChunk<RowOf<E>>>
  /** The same operations inside an open transaction: they see its writes, and commit or vanish with it. */
  within(transaction: DatabaseTransaction): RowOperations<E>
}

/** What a repository is made from. */
export interface RepositoryOptions<E extends AnyEntity> {
  readonly database: Omit<RealtimeDatabase, 'kysely'>
  readonly entity: E
  /** Name of the table. @default the entity's name */
  readonly table?: string
  /** Fills in what the server decides. */
  readonly prepare?: PrepareHooks<E>
  /**
   * Also logs, and thereby broadcasts, what other programs write into the table with SQL of their own: `migrate` makes
   * triggers, keeps them in step with the entity, and removes them when this is `false` again. Of several entities on one
   * table one may capture it: it alone hears all writes, the others only their own. @default false
   */
  readonly captureTable?: boolean
  /** Makes ids of rows created without one. @default 21 random URL-safe characters */
  readonly createId?: () => string
}

/**
 * Makes the repository of an entity. Call `database.migrate([…])` before the first read or write.
 *
 * @example
 * const tasks = createRealtimeRepository({ database, entity: Task })
 * await database.migrate([tasks])
 * const task = await tasks.create({ title: 'Water the plants' })
 *
 * @throws DnrError `bad_option`
 */
export function createRealtimeRepository<E extends AnyEntity>(
  options: RepositoryOptions<E>,
): RealtimeRepository<E> {
  const { entity, table = entity.name } = options
  if (!isEntityName(table) || /^(dnr|sqlite)_/i.test(table)) {
    throw new DnrError(
      'bad_option',
      `table is "${table}": use a letter, then letters, digits or underscores, and not the prefixes dnr_ and sqlite_.`,
    )
  }
  const { executor, executorOf, register } = internalsOf(options.database)
  const model = createRowModel(entity, table)
  const writer: RowWriter<E> = {
    model,
    statements: createRowStatements(model),
    prepare: options.prepare ?? {},
    createId: options.createId ?? nanoid,
  }
  const sizes: RowSizes = { average: 1 }
  const repository: RealtimeRepository<E> = {
    entity,
    table,
    ...createOperations(writer, executor),
    async *snapshotChunks(query = {}, { chunkRows = 500, chunkCharacters = Number.POSITIVE_INFINITY } = {}) {
      if (!Number.isSafeInteger(chunkRows) || chunkRows < 1) {
        throw new DnrError('bad_option', `chunkRows is ${chunkRows}: expected a whole number, 1 or more.`)
      }
      if (!(chunkCharacters >= 1)) {
        throw new DnrError(
          'bad_option',
          `chunkCharacters is ${chunkCharacters}: expected a number, 1 or more.`,
        )
      }
      const where = readWhere(model, query.where as never)
      yield* readChunks({ model, where, sizes, read: executor.read }, { chunkRows, chunkCharacters })
    },
    within: (transaction) => createOperations(writer, executorOf(transaction)),
  }
  register(repository, { model: model as never, isCaptured: options.captureTable === true })
  return repository
}

// Every function is async, so that what is wrong with the input rejects the promise and is never thrown at the caller.
function createOperations<E extends AnyEntity>(writer: RowWriter<E>, executor: Executor): RowOperations<E> {
  const { model, statements } = writer
  const write = (mutation: Mutation, context: MutationContext<E>): Promise<MutationResult<E>> =>
    executor.write(prepareWrite(writer, mutation, context))
  const writeMany = <T>({ rows, run }: PreparedBulk<T>): Promise<T> => executor.write(run, rows)

  return {
    mutate: async (mutation, context = {}) => write(mutation, context),
    async create(fields, options = {}) {
      const { row } = await write({ operation: 'create', fields }, options)
      return row as RowOf<E>
    },
    async update(id, patch, { ifVersion, ...options } = {}) {
      const { row } = await write(
        { operation: 'update', id, fields: patch, ...expecting(ifVersion) },
        options,
      )
      return row as RowOf<E>
    },
    async delete(id, { ifVersion, ...options } = {}) {
      await write({ operation: 'delete', id, ...expecting(ifVersion) }, options)
    },
    async createMany(rows, options = {}) {
      return writeMany(prepareCreateMany(writer, rows, options))
    },
    async updateMany(rows, patch, options = {}) {
      return writeMany(prepareUpdateMany(writer, rows as never, patch, options))
    },
    async deleteMany(rows, options = {}) {
      return writeMany(prepareDeleteMany(writer, rows as never, options))
    },
    async get(id) {
      checkId(id)
      const stored = await executor.read((connection) => connection.get(statements.byId, { id }))
      return stored === undefined ? null : model.toTyped(stored)
    },
    async find(query = {}) {
      const find = prepareFind(model, query)
      return executor.read((connection) => find.run(connection))
    },
    async snapshot(query = {}) {
      const where = readWhere(model, query.where as never)
      return executor.read((connection) => ({
        position: readHeadPosition(connection),
        rows: readAll(connection, model, where),
      }))
    },
  }
}

function expecting(ifVersion: number | undefined): { ifVersion?: number } {
  return ifVersion === undefined ? {} : { ifVersion }
}

/** The entity of a repository, for types. */
export type EntityOf<R> = R extends RealtimeRepository<infer E extends Entity> ? E : never
