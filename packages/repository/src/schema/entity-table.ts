// Tables of entities: made from the schema, or checked when they are the user's own.
import { DnrError, type FieldKind } from '@dnr/protocol'
import type { Connection } from '../database/connection.ts'
import type { RowModel } from '../rows/row-model.ts'
import { wordsOf } from './sql-words.ts'

interface Column {
  readonly name: string
  readonly type: string
  readonly pk: number
}

const TYPES: Readonly<Record<FieldKind, string>> = {
  string: 'TEXT',
  number: 'REAL',
  boolean: 'INTEGER',
  date: 'TEXT',
  bigint: 'TEXT',
  json: 'TEXT',
}

/** Makes the table when absent, else checks it. @throws DnrError `bad_entity` */
export function migrateEntityTable(connection: Connection, model: RowModel): void {
  const columns = connection.query('SELECT name, type, pk FROM pragma_table_info(?)', [
    model.table,
  ]) as Column[]
  if (columns.length === 0) connection.exec(createTable(model))
  else checkTable(connection, model, columns)
  noteColumns(model, columns)
}

/** What the table can hold is known here alone; each write asks. */
function noteColumns(model: RowModel, columns: readonly Column[]): void {
  const typeByName = new Map(columns.map(({ name, type }) => [name, type]))
  for (const [name, field] of model.fields)
    field.isInt64 = field.kind === 'bigint' && affinity(typeByName.get(name) ?? TYPES.bigint) === 'integer'
}

function createTable(model: RowModel): string {
  const columns = [...model.queryable.keys()].map((name) => definition(model, name))
  return `CREATE TABLE "${model.table}" (\n  ${columns.join(',\n  ')}\n)`
}

function definition(model: RowModel, name: string): string {
  if (name === 'id') return '"id" TEXT PRIMARY KEY NOT NULL'
  // Whether a field may be empty is the schema's to say, and may change there without a migration here.
  return name === 'version'
    ? '"version" INTEGER NOT NULL DEFAULT 1'
    : `"${name}" ${TYPES[model.fields.get(name)?.kind ?? 'json']}`
}

function checkTable(connection: Connection, model: RowModel, columns: readonly Column[]): void {
  const byName = new Map(columns.map((column) => [column.name, column]))
  const missing = [...model.queryable.keys()].filter((name) => !byName.has(name))
  if (missing.length > 0) {
    const statements = missing
      .map((name) => `ALTER TABLE "${model.table}" ADD COLUMN ${definition(model, name)};`)
      .join(' ')
    throw new DnrError(
      'bad_entity',
      `The table "${model.table}" lacks ${missing.join(', ')}. Add what is missing: ${statements}`,
    )
  }
  for (const [name, field] of model.fields) {
    const type = byName.get(name)?.type ?? ''
    if (keeps(field.kind, affinity(type))) continue
    throw new DnrError(
      'bad_entity',
      `${model.table}.${name} is declared ${type} and would change the ${field.kind} values of ${model.entity.name}: declare it ${TYPES[field.kind]}.`,
    )
  }
  checkVersionColumn(model.table, byName.get('version')?.type ?? '')
  refuseReplacing(connection, model.table)
  if (!isUniqueId(connection, model.table, columns)) {
    throw new DnrError(
      'bad_entity',
      `${model.table}.id is not unique: make it the primary key, or add a unique index on it alone.`,
    )
  }
}

/** Column types of which `version` counts in whole numbers, also when other programs write it. */
function checkVersionColumn(table: string, type: string): void {
  if (['integer', 'numeric'].includes(affinity(type))) return
  throw new DnrError(
    'bad_entity',
    `${table}.version is declared ${type === '' ? 'without a type' : type}, in which DNR cannot count: declare it INTEGER.`,
  )
}

/** Whoever writes: what goes or changes unseen is in no log, and cannot be told. */
function refuseReplacing(connection: Connection, table: string): void {
  const [row] = connection.query(
    "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ? COLLATE NOCASE",
    [table],
  ) as { sql: string }[]
  if (!/\bON\s+CONFLICT\s+REPLACE\b/i.test(wordsOf(row?.sql ?? ''))) return
  throw new DnrError(
    'bad_entity',
    `"${table}" is declared with ON CONFLICT REPLACE, so that a write may remove or change rows unseen. Leave it out, and write INSERT OR REPLACE where that is meant.`,
  )
}

/** SQLite's rules of type affinity, as far as they change values. */
export function affinity(type: string): 'integer' | 'text' | 'none' | 'real' | 'numeric' {
  const name = type.toUpperCase()
  if (name.includes('INT')) return 'integer'
  if (/CHAR|CLOB|TEXT/.test(name)) return 'text'
  if (name === '' || name.includes('BLOB')) return 'none'
  return /REAL|FLOA|DOUB/.test(name) ? 'real' : 'numeric'
}

function keeps(kind: FieldKind, type: ReturnType<typeof affinity>): boolean {
  if (kind === 'string') return type === 'text' || type === 'none'
  if (kind === 'number' || kind === 'boolean') return type !== 'text'
  // A bigint becomes a rounded number in a column of floating point.
  return kind === 'bigint' ? type !== 'real' && type !== 'numeric' : true
}

function isUniqueId(connection: Connection, table: string, columns: readonly Column[]): boolean {
  const keys = columns.filter(({ pk }) => pk > 0)
  if (keys.length === 1 && keys[0]?.name === 'id') return true
  const indexes = connection.query(
    'SELECT name FROM pragma_index_list(?) WHERE "unique" = 1 AND partial = 0',
    [table],
  ) as { name: string }[]
  return indexes.some(({ name }) => {
    const indexed = connection.query('SELECT name FROM pragma_index_info(?)', [name]) as {
      name: string | null
    }[]
    return indexed.length === 1 && indexed[0]?.name === 'id'
  })
}
