import { type AnyEntity, fieldKinds, type FieldSchema } from '@dnr/protocol'

/** Fields as a writer sent them, with those that JSON cannot hold (dates, bigints) made of their text. */
export type DecodeFields = (fields: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>

/**
 * Makes the decoder of an entity's fields; make it once per entity. Text that the field's own schema takes stays text
 * (`z.coerce.date()`), and so does text that is no date or number: the schema then says what is wrong with it.
 */
export function createFieldDecoder(entity: AnyEntity): DecodeFields {
  const special = [...fieldKinds(entity)].filter(([, kind]) => kind === 'date' || kind === 'bigint')
  if (special.length === 0) return (fields) => fields
  return (fields) => {
    const decoded: Record<string, unknown> = { ...fields }
    for (const [field, kind] of special) {
      const value = decoded[field]
      const schema = entity.schema.shape[field] as FieldSchema
      if (typeof value !== 'string' || schema.safeParse(value).success) continue
      decoded[field] = kind === 'date' ? readDate(value) : readBigint(value)
    }
    return decoded
  }
}

const ISO_DATE = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/

function readDate(text: string): unknown {
  const date = ISO_DATE.test(text) ? new Date(text) : null
  return date === null || Number.isNaN(date.getTime()) ? text : date
}

function readBigint(text: string): unknown {
  return /^-?\d{1,40}$/.test(text) ? BigInt(text) : text
}
