import type { WireRow } from '@dnr/protocol'

/** The form in which the application has its rows, made from the one that travels. */
export interface RowForm<Row> {
  decode(row: WireRow): Row
  /** What `row` was decoded from; orders and conditions are those of the wire. */
  encode(row: Row): WireRow
}

/** Rows as they travel. */
export const wireForm: RowForm<unknown> = { decode: (row) => row, encode: (row) => row as WireRow }

/** Have both rows the same fields with the same values, in whatever order? */
export function isSameRow(a: WireRow, b: WireRow): boolean {
  const fields = Object.keys(a)
  const isSame = (field: string): boolean =>
    a[field] === b[field] || JSON.stringify(a[field]) === JSON.stringify(b[field])
  return fields.length === Object.keys(b).length && fields.every(isSame)
}
