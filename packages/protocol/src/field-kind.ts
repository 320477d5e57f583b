import type { AnyEntity, FieldSchema } from './entity.ts'

/** How a field is stored and sent. `json` is anything that is not a scalar. */
export type FieldKind = 'string' | 'number' | 'boolean' | 'date' | 'bigint' | 'json'

interface Wrapping {
  readonly type: string
  readonly innerType?: FieldSchema
  readonly out?: FieldSchema
  readonly values?: readonly unknown[]
  readonly entries?: Readonly<Record<string, unknown>>
}

const SCALARS: ReadonlySet<string> = new Set(['string', 'number', 'boolean', 'date', 'bigint'])
const WRAPPERS: ReadonlySet<string> = new Set([
  'optional',
  'nullable',
  'default',
  'prefault',
  'nonoptional',
  'readonly',
  'catch',
])

/**
 * What a zod field holds, under `optional`, `nullable`, `default` and the like. Enums and literals are what their values
 * are; a pipe is what comes out of it.
 */
export function fieldKind(field: FieldSchema): FieldKind {
  const definition = field._zod.def as Wrapping
  if (SCALARS.has(definition.type)) return definition.type as FieldKind
  if (WRAPPERS.has(definition.type) && definition.innerType !== undefined)
    return fieldKind(definition.innerType)
  if (definition.type === 'int') return 'number'
  if (definition.type === 'template_literal') return 'string'
  if (definition.type === 'pipe' && definition.out !== undefined) return fieldKind(definition.out)
  if (definition.type === 'enum' && definition.entries !== undefined)
    return kindOfLiterals(enumValues(definition.entries))
  if (definition.type === 'literal' && definition.values !== undefined)
    return kindOfLiterals(definition.values)
  return 'json'
}

// A TypeScript enum of numbers has an entry back from every number to its name.
function enumValues(entries: Readonly<Record<string, unknown>>): unknown[] {
  return Object.entries(entries)
    .filter(
      ([name, value]) =>
        !(typeof value === 'string' && typeof entries[value] === 'number' && String(entries[value]) === name),
    )
    .map(([, value]) => value)
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
