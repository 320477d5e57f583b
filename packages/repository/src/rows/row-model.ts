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
}

const VERSION: Field = { name: 'version', kind: 'number', schema: undefined as never, isNullable: false }

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
  const read = (
    stored: StoredRow,
    convert: (field: Field, value: unknown) => unknown,
  ): Record<string, unknown> => {
    const row: Record<string, unknown> = {}
    for (const field of ordered) {
      const value = convert(field, stored[field.name])
      if (value !== undefined) row[field.name] = value
    }
    row['version'] = stored['version']
    return row
  }
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
    toWire: (stored) => read(stored, toWireValue) as WireRow,
    toTyped: (stored) => read(stored, toTypedValue) as RowOf<E>,
  }
}
