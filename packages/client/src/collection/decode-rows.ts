import { type AnyEntity, createRowCodec, type EntityMap, type WireRow } from '@dnr/protocol'
import type { RowForm } from './row-form.ts'

/** The forms of rows by entity; `Entities` is what the type of a client is made from. */
export type RowForms<Entities extends EntityMap> = { readonly [Name in keyof Entities]: RowForm<unknown> }

/**
 * Rows with the dates and bigints of their schemas instead of text, for the client's option `rows`. A function of its own, so
 * that a page which does without is not made to load it.
 *
 * @example
 * const client = createRealtimeClient({ url, rows: decodeRows({ Task }) })
 */
export function decodeRows<Entities extends EntityMap>(entities: Entities): RowForms<Entities> {
  const forms = Object.entries(entities).map(([name, entity]) => [name, decodedForm(entity)])
  return Object.fromEntries(forms) as RowForms<Entities>
}

function decodedForm(entity: AnyEntity): RowForm<unknown> {
  const codec = createRowCodec(entity)
  const encoded = new WeakMap<object, WireRow>()
  return {
    decode(row) {
      const decoded = codec.decode(row) as object
      encoded.set(decoded, row)
      return decoded
    },
    encode(row) {
      const known = encoded.get(row as object) ?? codec.encode(row)
      encoded.set(row as object, known)
      return known
    },
  }
}
