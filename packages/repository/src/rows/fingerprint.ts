import { hash } from 'node:crypto'

/** What a mutation asks for, as far as asking for it again must be the same. */
export interface Asked {
  readonly entity: string
  readonly operation: string
  readonly id: string | undefined
  /** Their own `id`, if any, does not count. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly ifVersion: number | undefined
}

/** 132 bits: it stands in every answer that is kept, and whoever finds two requests alike deceives nobody else. */
const LENGTH = 22

/** Equal for equal requests, whatever the order of their fields. */
export function fingerprint({ entity, operation, id, fields, ifVersion }: Asked): string {
  const text = JSON.stringify([
    entity,
    operation,
    id ?? null,
    canonicalFields(fields, 'id'),
    ifVersion ?? null,
  ])
  return hash('sha256', text, 'base64url').slice(0, LENGTH)
}

/** The value with its fields in order. Not as a replacer of JSON.stringify, which takes three times as long with one. */
function canonical(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}`
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return value
  if (Array.isArray(value)) return value.map(canonical)
  return canonicalFields(value as Asked['fields'])
}

function canonicalFields(fields: Asked['fields'], but?: string): object {
  // Without a prototype, so that a field of the name `__proto__` is one like any other.
  const ordered = Object.create(null) as Record<string, unknown>
  for (const name of Object.keys(fields).sort()) if (name !== but) ordered[name] = canonical(fields[name])
  return ordered
}
