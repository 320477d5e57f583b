import { hash } from 'node:crypto'

/** What a mutation asks for, as far as asking for it again must be the same. */
export interface Asked {
  readonly entity: string
  readonly operation: string
  readonly id: string | undefined
  /** All but the id. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly ifVersion: number | undefined
}

/** 132 bits: it stands in every answer that is kept, and whoever finds two requests alike deceives nobody else. */
const LENGTH = 22

/** Equal for equal requests, whatever the order of their fields. */
export function fingerprint({ entity, operation, id, fields, ifVersion }: Asked): string {
  const text = JSON.stringify([entity, operation, id ?? null, fields, ifVersion ?? null], sortKeys)
  return hash('sha256', text, 'base64url').slice(0, LENGTH)
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}`
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const fields = value as Readonly<Record<string, unknown>>
  const sorted: Record<string, unknown> = {}
  for (const name of Object.keys(fields).sort()) sorted[name] = fields[name]
  return sorted
}
