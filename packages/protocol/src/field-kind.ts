import type { AnyEntity, FieldSchema } from './entity.ts'

/** How a field is stored and sent. `json` is anything that is not a scalar. */
export type FieldKind = 'string' | 'number' | 'boolean' | 'date' | 'bigint' | 'json'

interface Wrapping {
  readonly type: string
  readonly innerType?: FieldSchema
  readonly in?: FieldSchema
  readonly values?: readonly unknown[]
}

const SCALARS: ReadonlySet<string> = new Set(['string', 'number', 'boolean', 'date', 'bigint'])
const WRAPPERS: ReadonlySet<string> = new Set(['optional', 'nullable', 'default', 'prefault', 'nonoptional', 'readonly', 'catch'])

/** What a zod field holds, under `optional`, `nullable`, `default` and the like. Enums and literals of text are `string`. */
export function fieldKind(field: FieldSchema): FieldKind {
  const definition = field._zod.def as Wrapping
  if (SCALARS.has(definition.type)) return definition.type as FieldKind
  if (WRAPPERS.has(definition.type) && definition.innerType !== undefined) return fieldKind(definition.innerType)
  if (definition.type === 'int') return 'number'
  if (definition.type === 'enum') return 'string'
  if (definition.type === 'literal' && definition.values !== undefined) return kindOfLiterals(definition.values)
  return 'json'
}

function kindOfLiterals(values: readonly unknown[]): FieldKind {
  const kinds = new Set(values.filter((value) => value !== null).map((value) => typeof value))
  const [only] = kinds
  return kinds.size === 1 && (only === 'string' || only === 'number' || only === 'boolean') ? only : 'json'
}

/** The kind of every field of an entity, by name. */
export function fieldKinds(entity: AnyEntity): ReadonlyMap<string, FieldKind> {
  return new Map(Object.entries(entity.schema.shape).map(([name, field]) => [name, fieldKind(field)]))
}
