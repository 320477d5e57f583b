import type { ErrorCode, WireRow } from '@dnr/protocol'

/** The form in which the application has its rows, made from the one that travels. */
export interface RowForm<Row> {
  decode(row: WireRow): Row
  /** What `row` was decoded from; orders and conditions are those of the wire. */
  encode(row: Row): WireRow
}

/** A form that never throws in `decode`: a row that cannot be decoded is reported, and `null`. */
export interface SafeForm<Row> extends Omit<RowForm<Row>, 'decode'> {
  decode(row: WireRow): Row | null
}

export function safeForm<Row>(
  form: RowForm<Row>,
  entity: string,
  guard: (call: () => void, code: ErrorCode, what: string) => void,
): SafeForm<Row> {
  return {
    encode: (row) => form.encode(row),
    decode(wire) {
      let row: Row | null = null
      guard(() => (row = form.decode(wire)), 'internal', `${entity} ${wire.id} could not be read.`)
      return row
    },
  }
}

/** Rows as they travel. */
export const wireForm: SafeForm<unknown> = { decode: (row) => row, encode: (row) => row as WireRow }

/** Have both rows the same fields with the same values, in whatever order? */
export function isSameRow(a: WireRow, b: WireRow): boolean {
  const fields = Object.keys(a)
  const isSame = (field: string): boolean =>
    a[field] === b[field] || JSON.stringify(a[field]) === JSON.stringify(b[field])
  return fields.length === Object.keys(b).length && fields.every(isSame)
}
