// An entity as a table: which columns, and how a row is stored, sent and typed. Pure; touches no database.
import { type AnyEntity, fieldKinds, type RowOf, type WireRow } from '@dnr/protocol'
import {
  createField,
  type Field,
  storeValue,
  type StoredValue,
  toTypedValue,
  toWireValue,
} from './field-value.ts'

/** A row as SQLite gives it: columns by name. */
export type StoredRow = Readonly<Record<string, unknown>>

/** The fields of an entity and the forms of its rows. */
export interface RowModel<E extends AnyEntity = AnyEntity> {
  readonly entity: E
  readonly table: string
  /** The entity's own fields, `id` among them, `version` not. */
  readonly fields: ReadonlyMap<string, Field>
  /** Their names in alphabetical order, without `id`. */
  readonly sortedNames: readonly string[]
  /** Everything a query may name: the fields and `version`. */
  readonly queryable: ReadonlyMap<string, Field>
  /** Does the schema make the id of a row that comes without one? */
  readonly makesIds: boolean
  /** Columns of a validated row. */
  store(values: Readonly<Record<string, unknown>>, version: number): Record<string, StoredValue>
  /** One column of a validated patch. */
  storeField(name: string, value: unknown): StoredValue
  /** Of its texts, as they are stored. */
  charactersOf(stored: StoredRow): number
  toWire(stored: StoredRow): WireRow
  toTyped(stored: StoredRow): RowOf<E>
  /** Both forms of a row; they share nothing that can be changed. */
  toForms(stored: StoredRow): RowForms<E>
}

/** A row as it is logged and sent, and as its entity types it. */
export interface RowForms<E extends AnyEntity = AnyEntity> {
  readonly wire: WireRow
  readonly typed: RowOf<E>
}

const VERSION: Field = {
  name: 'version',
  kind: 'number',
  schema: undefined as never,
  isNullable: false,
  isInt64: true,
}

/** Makes the model of one entity. */
export function createRowModel<E extends AnyEntity>(entity: E, table: string): RowModel<E> {
  const kinds = fieldKinds(entity)
  const fields = new Map(
    Object.entries(entity.schema.shape).map(([name, schema]) => [
      name,
      createField(name, kinds.get(name) ?? 'json', schema),
    ]),
  )
  const ordered = [...fields.values()]
  const typedApart = ordered.filter(({ kind }) => kind === 'date' || kind === 'bigint' || kind === 'json')
  const read = (stored: StoredRow, convert: Convert): Record<string, unknown> => {
    // Copied whole, in the order of its columns: putting a row together by names takes several times as long.
    const row: Record<string, unknown> = { ...stored }
    for (const field of ordered) {
      const value = stored[field.name]
      const converted = convert(field, value)
      if (converted === undefined) return readSparse(ordered, stored, convert)
      if (converted !== value) row[field.name] = converted
    }
    return row
  }
  const toWire = (stored: StoredRow): WireRow => read(stored, toWireValue) as WireRow
  return {
    entity,
    table,
    fields,
    sortedNames: [...fields.keys()].filter((name) => name !== 'id').sort(),
    queryable: new Map([...fields, ['version', VERSION]]),
    makesIds: entity.schema.shape['id']?.safeParse(undefined).success === true,
    store(values, version) {
      const stored: Record<string, StoredValue> = {}
      for (const field of ordered) stored[field.name] = storeValue(field, values[field.name])
      stored['version'] = version
      return stored
    },
    storeField(name, value) {
      const field = fields.get(name)
      return field === undefined ? null : storeValue(field, value)
    },
    charactersOf(stored) {
      let characters = 0
      for (const { name } of ordered) {
        const value = stored[name]
        if (typeof value === 'string') characters += value.length
      }
      return characters
    },
    toWire,
    toTyped: (stored) => read(stored, toTypedValue) as RowOf<E>,
    toForms(stored) {
      const wire = toWire(stored)
      const typed: Record<string, unknown> = { ...wire }
      for (const field of typedApart) {
        const value = toTypedValue(field, stored[field.name])
        if (value !== undefined) typed[field.name] = value
      }
      return { wire, typed: typed as RowOf<E> }
    },
  }
}

type Convert = (field: Field, value: unknown) => unknown

/** A row some of whose fields are absent. */
function readSparse(fields: readonly Field[], stored: StoredRow, convert: Convert): Record<string, unknown> {
  const row: Record<string, unknown> = {}
  for (const field of fields) {
    const value = convert(field, stored[field.name])
    if (value !== undefined) row[field.name] = value
  }
  row['version'] = stored['version']
  return row
}
