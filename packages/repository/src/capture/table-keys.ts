// What two rows of a table cannot both have, as the table declares it. Next: capture-triggers.ts, which looks there for the
// rows that a REPLACE removes.
import type { Connection } from '../database/connection.ts'
import { affinity } from '../schema/entity-table.ts'
import { wordsOf } from '../schema/sql-words.ts'

/** The keys of a table: what makes a REPLACE remove another row. */
export interface TableKeys {
  readonly id: KeyColumn
  readonly others: readonly UniqueKey[]
}

/** Columns of which no two rows have the same values. */
export interface UniqueKey {
  readonly columns: readonly KeyColumn[]
  /** Which rows it holds for, as SQL over their columns; `null`: for all. */
  readonly where: string | null
}

export interface KeyColumn {
  readonly name: string
  /** By which values are the same; the column itself may be declared with another. */
  readonly collation: string
  /** The default of a column that is NOT NULL, as SQL: a REPLACE puts it in for NULL, after BEFORE triggers have run. */
  readonly fallback: string | null
}

/** Then nothing but text, a BLOB or NULL can be in the column. */
export function hasTextIds(connection: Connection, table: string): boolean {
  const id = columnsOf(connection, table).find(({ name }) => name === 'id')
  return affinity(id?.type ?? '') === 'text'
}

interface Column {
  readonly name: string
  readonly type: string
  readonly fallback: string | null
}

function columnsOf(connection: Connection, table: string): Column[] {
  const columns = connection.query(
    `SELECT name, type, CASE WHEN "notnull" = 1 THEN dflt_value END AS fallback FROM pragma_table_xinfo(?)`,
    [table],
  ) as Column[]
  return columns.map(({ fallback, ...column }) => ({ ...column, fallback: fallback && defaultSql(fallback) }))
}

/** After DEFAULT a name is a text, be it in quotation marks; elsewhere it would be that of a column. */
function defaultSql(text: string): string {
  const name = NAME.exec(text)
  if (name === null || KEYWORD_VALUE.test(text)) return text
  const [, double, bracketed, backtick] = name
  const value = double?.replaceAll('""', '"') ?? bracketed ?? backtick?.replaceAll('``', '`') ?? text
  return `'${value.replaceAll("'", "''")}'`
}

/** A name in SQL: in one of three kinds of quotation marks, or a word of SQLite's letters. */
const NAME = /^(?:"((?:[^"]|"")*)"|\[([^\]]*)\]|`((?:[^`]|``)*)`|[a-z_\u0080-\uffff][\w$\u0080-\uffff]*)$/i
const KEYWORD_VALUE = /^(?:null|true|false|current_(?:date|time|timestamp))$/i

/** What two rows of a table cannot both have. */
export function tableKeys(connection: Connection, table: string): TableKeys {
  const columns = columnsOf(connection, table)
  const fallbacks = new Map(columns.map(({ name, fallback }) => [name, fallback]))
  const toColumn = (name: string, collation: string): KeyColumn => ({
    name,
    collation,
    fallback: fallbacks.get(name) ?? null,
  })
  const isId = ({ columns: [first, second] }: UniqueKey): boolean =>
    first?.name === 'id' && first.collation === 'BINARY' && second === undefined
  const rowId = rowIdOf(connection, table, columns)
  return {
    id: toColumn('id', 'BINARY'),
    others: [
      ...(rowId === null ? [] : [{ columns: [toColumn(rowId, 'BINARY')], where: null }]),
      ...uniqueIndexes(connection, table, toColumn).filter((key) => !isId(key)),
    ],
  }
}

/** What the number of a row can be called, by which INTEGER PRIMARY KEY goes, too; `null` when there is none, or no name for it. */
function rowIdOf(connection: Connection, table: string, columns: readonly Column[]): string | null {
  const [listed] = connection.query('SELECT wr FROM pragma_table_list(?)', [table]) as { wr: number }[]
  if (listed?.wr === 1) return null
  const taken = new Set(columns.map(({ name }) => name.toLowerCase()))
  return ['rowid', 'oid', '_rowid_'].find((name) => !taken.has(name)) ?? null
}

/** One over an expression is left out: no column says what its value would be. */
function uniqueIndexes(
  connection: Connection,
  table: string,
  toColumn: (name: string, collation: string) => KeyColumn,
): UniqueKey[] {
  const indexes = connection.query(
    `SELECT name, CASE WHEN partial = 1 THEN (SELECT sql FROM sqlite_schema WHERE type = 'index' AND name = listed.name) END AS sql
    FROM pragma_index_list(?) AS listed WHERE "unique" = 1 ORDER BY name`,
    [table],
  ) as { name: string; sql: string | null }[]
  return indexes.flatMap(({ name: index, sql }) => {
    const parts = connection.query(
      'SELECT name, coll AS collation FROM pragma_index_xinfo(?) WHERE "key" = 1 ORDER BY seqno',
      [index],
    ) as { name: string | null; collation: string }[]
    const columns = parts.flatMap(({ name, collation }) => (name === null ? [] : [toColumn(name, collation)]))
    return columns.length < parts.length ? [] : [{ columns, where: sql && whereOf(sql) }]
  })
}

/** What follows WHERE in the SQL of an index, in which that word comes once; names may end in it. */
function whereOf(sql: string): string {
  return sql.slice(wordsOf(sql).search(WHERE) + 'WHERE'.length)
}

const WHERE = /(?<![\w$\u0080-\uffff])WHERE(?![\w$\u0080-\uffff])/i
