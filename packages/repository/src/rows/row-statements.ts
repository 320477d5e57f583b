import { type SelectQueryBuilder, sql } from 'kysely'
import { VERSION_SQL } from '../capture/image-sql.ts'
import {
  type CompiledStatement,
  compileStatement,
  createQueryBuilder,
  type DynamicTables,
} from '../database/compile.ts'
import type { Field, StoredValue } from './field-value.ts'
import type { RowModel, StoredRow } from './row-model.ts'

type Columns = Record<string, StoredValue>

/** The statements of one table, compiled once. */
export interface RowStatements {
  readonly byId: CompiledStatement<{ id: string }, StoredRow>
  readonly insert: CompiledStatement<Columns, unknown>
  /** Sets these columns and `version` where `id` is. */
  update(columns: readonly string[]): CompiledStatement<Columns, unknown>
  readonly remove: CompiledStatement<{ id: string }, unknown>
}

/** Builds queries over tables known at run time. */
export const tables = createQueryBuilder<DynamicTables>()

/** Patches come in few shapes; a caller who tries all of them only loses the saving. */
const MAX_UPDATE_SHAPES = 200

/** Compiles the statements of one table. */
export function createRowStatements(model: RowModel): RowStatements {
  const { table } = model
  const columns = [...model.queryable.keys()]
  const updates = new Map<string, CompiledStatement<Columns, unknown>>()

  const compileUpdate = (names: readonly string[]): CompiledStatement<Columns, unknown> =>
    compileStatement<Columns, unknown>((param) =>
      tables
        .updateTable(table)
        .set(Object.fromEntries(['version', ...names].map((name) => [name, param(name)])))
        .where('id', '=', param('id')),
    )

  return {
    byId: compileStatement<{ id: string }, StoredRow>((param) =>
      selectRows(model).where('id', '=', param('id')),
    ),
    insert: compileStatement<Columns, unknown>((param) =>
      tables.insertInto(table).values(Object.fromEntries(columns.map((name) => [name, param(name)]))),
    ),
    update(names) {
      const shape = names.join()
      const known = updates.get(shape)
      if (known !== undefined) return known
      if (updates.size >= MAX_UPDATE_SHAPES) updates.clear()
      const statement = compileUpdate(names)
      updates.set(shape, statement)
      return statement
    },
    remove: compileStatement<{ id: string }, unknown>((param) =>
      tables.deleteFrom(table).where('id', '=', param('id')),
    ),
  }
}

/** `select` of every column of an entity's table. */
export function selectRows(model: RowModel): SelectQueryBuilder<DynamicTables, string, StoredRow> {
  const columns = [...model.queryable.values()].map((field) =>
    field.kind === 'bigint' || field.name === 'version'
      ? column(field).as(field.name)
      : sql.ref(field.name).as(field.name),
  )
  return tables.selectFrom(model.table).select(columns) as never
}

/**
 * A field's column as it is compared and read: text by code point, bigints as decimal text, the version as a number. As in
 * the log, which capture/image-sql.ts writes: a BLOB is no bigint, and a version that is missing is 0.
 */
export function column(field: Field): ReturnType<typeof sql<unknown>> {
  if (field.name === 'version') return sql.raw(VERSION_SQL)
  const name = sql.ref(field.name)
  if (field.kind === 'bigint') return sql`iif(typeof(${name}) = 'blob', null, cast(${name} as text))`
  return field.kind === 'string' || field.kind === 'date' ? sql`${name} collate binary` : sql`${name}`
}
