import type { WireRow } from './change.ts'
import type { AnyEntity, RowOf } from './entity.ts'
import { type FieldKind, fieldKinds } from './field-kind.ts'

/** A row as JSON carries it: dates are ISO text, bigints decimal text; everything else is as it was. */
export type JsonForm<T> = T extends Date | bigint
  ? string
  : T extends object
    ? { [Key in keyof T]: JsonForm<T[Key]> }
    : T

/** The row of an entity as a browser has it when it knows the type alone. */
export type WireRowOf<E extends AnyEntity> = JsonForm<RowOf<E>> & WireRow

/**
 * Turns rows of one entity into their JSON form and back. A value that is no date or no bigint (another program can have
 * stored it) is handed through as it is, in both directions. Rows without dates and bigints are handed
 * through uncopied.
 */
export interface RowCodec<E extends AnyEntity = AnyEntity> {
  encode(row: RowOf<E>): WireRow
  decode(row: WireRow): RowOf<E>
}

/** The codec of an entity's rows; make it once per entity. */
export function createRowCodec<E extends AnyEntity>(entity: E): RowCodec<E> {
  const special = [...fieldKinds(entity)].filter(([, kind]) => kind === 'date' || kind === 'bigint')
  if (special.length === 0) {
    return { encode: (row) => row, decode: (row) => row as unknown as RowOf<E> }
  }
  const map = (row: object, change: (value: unknown, kind: FieldKind) => unknown): object => {
    const copy: Record<string, unknown> = { ...row }
    for (const [field, kind] of special) {
      if (copy[field] !== null && copy[field] !== undefined) copy[field] = change(copy[field], kind)
    }
    return copy
  }
  return {
    encode: (row) =>
      map(row, (value) => {
        if (typeof value === 'bigint') return `${value}`
        return value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : value
      }) as WireRow,
    decode: (row) => map(row, fromWireValue) as RowOf<E>,
  }
}

/** The value of a field from its JSON form; what is not what the field's kind says is handed through. */
export function fromWireValue(value: unknown, kind: FieldKind): unknown {
  if (kind === 'date') {
    const date = new Date(value as string)
    return Number.isNaN(date.getTime()) ? value : date
  }
  return kind === 'bigint' && /^-?\d+$/.test(String(value)) ? BigInt(value as string) : value
}
