// A row's image as SQL: the same text that `JSON.stringify(model.toWire(row))` gives, for triggers that run where no
// JavaScript is. Pure. A property test holds the two against each other.
import type { Field } from '../rows/field-value.ts'
import type { RowModel } from '../rows/row-model.ts'

/** An expression over the columns of an entity's table that gives a row's JSON form as text. */
export function imageSql(model: RowModel): string {
  const members = [...model.fields.values()].map(memberSql)
  return `'{' || substr(${members.join('\n || ')}, 2) || ',"version":' || ${VERSION_SQL} || '}'`
}

/** The row's version as a number, whatever was written there. */
export const VERSION_SQL = 'coalesce(CAST("version" AS INTEGER), 0)'

/** `,"name":value`, or nothing when the field is absent. */
function memberSql(field: Field): string {
  const column = `"${field.name}"`
  const empty = field.isNullable ? `',"${field.name}":null'` : `''`
  // A BLOB has no JSON form: `toWireValue` takes it for an empty column, too.
  return `CASE WHEN ${column} IS NULL OR typeof(${column}) = 'blob' THEN ${empty} ELSE ',"${field.name}":' || ${valueSql(field, column)} END`
}

function valueSql({ kind }: Field, column: string): string {
  switch (kind) {
    case 'boolean':
      return `CASE WHEN typeof(${column}) <> 'text' AND ${column} = 1 THEN 'true' ELSE 'false' END`
    case 'bigint':
      return `json_quote(CAST(${column} AS TEXT))`
    case 'json':
      return `CASE WHEN typeof(${column}) <> 'text' THEN ${scalarSql(column)} WHEN json_valid(${column}) THEN json(${column}) ELSE json_quote(${column}) END`
    default:
      return scalarSql(column)
  }
}

function scalarSql(column: string): string {
  return `CASE typeof(${column}) WHEN 'text' THEN json_quote(${column}) WHEN 'integer' THEN CAST(${column} AS TEXT) ELSE ${realSql(column)} END`
}

/**
 * A floating-point number in the fewest digits that give the same number back; 15 of them, SQLite's own choice, would lose
 * the rest. Spelled as ECMAScript does it but for numbers of 17 digits, below 1e-4 or from 1e15 on: those are the same
 * number in other letters.
 */
function realSql(column: string): string {
  const [short, longer, longest] = [15, 16, 17].map((digits) => `printf('%!.${digits}g', ${column})`)
  return `CASE WHEN abs(${column}) < 1e15 AND ${column} = CAST(${column} AS INTEGER) THEN CAST(CAST(${column} AS INTEGER) AS TEXT)
    WHEN abs(${column}) > ${Number.MAX_VALUE} THEN 'null'
    WHEN CAST(${short} AS REAL) = ${column} THEN ${short}
    WHEN CAST(${longer} AS REAL) = ${column} THEN ${longer} ELSE ${longest} END`
}
