import { hash } from 'node:crypto'

/** What a mutation asks for, as far as asking for it again must be the same. */
export interface Asked {
  readonly entity: string
  readonly operation: string
  readonly id: string | undefined
  readonly fields: Fields
  readonly ifVersion: number | undefined
}

type Fields = Readonly<Record<string, unknown>>

/** 132 bits: it stands in every answer that is kept, and whoever finds two requests alike deceives nobody else. */
const LENGTH = 22

/**
 * Equal for equal requests, whatever the order of their fields. `names`: the fields that count, in order; who asks often
 * knows them, and sorting them takes longer than the rest.
 */
export function fingerprint(
  { entity, operation, id, fields, ifVersion }: Asked,
  names = sortedNames(fields),
): string {
  const text = JSON.stringify([entity, operation, id ?? null, inOrder(fields, names), ifVersion ?? null])
  return hash('sha256', text, 'base64url').slice(0, LENGTH)
}

const sortedNames = (fields: Fields): readonly string[] => Object.keys(fields).sort()

/** The value with its fields in order. Not as a replacer of JSON.stringify, which takes three times as long with one. */
function canonical(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}`
  if (typeof value !== 'object' || value === null || writesItself(value)) return value
  if (Array.isArray(value)) return value.map(canonical)
  return inOrder(value as Fields, sortedNames(value as Fields))
}

/** As dates do. In JSON that came from outside `toJSON` is a key like any other. */
function writesItself(value: object): boolean {
  return 'toJSON' in value && typeof value.toJSON === 'function'
}

function inOrder(fields: Fields, names: readonly string[]): object {
  // With a prototype: an object without one takes twice as long, to make and to write as JSON.
  const ordered: Record<string, unknown> = {}
  for (const name of names) {
    const value = canonical(fields[name])
    if (value === undefined) continue
    // A field like any other, and not the prototype.
    if (name === '__proto__') Object.defineProperty(ordered, name, { value, enumerable: true })
    else ordered[name] = value
  }
  return ordered
}
