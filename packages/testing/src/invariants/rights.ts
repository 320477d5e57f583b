import { type AnyWhere, matchesWhere, type WireRow } from '@dnr/protocol'

/** What a principal may see of one entity. Two answers with the same `key` are the same rights. */
export interface Rights {
  readonly key: string
  sees(row: WireRow): boolean
  /** Fields that may be sent, beside `id` and `version`. @default all */
  readonly fields?: readonly string[]
}

/**
 * The user's own policies, asked for by the checker. The answer is that of this moment: when it changes,
 * tell the checker by `rightsChanged()`.
 */
export interface RightsPort {
  /** What `principal` may see of `entity` now; `null`: nothing. */
  rightsOf(principal: string, entity: string): Rights | null
  /** May `principal` hear a channel without rows (`presence:…`, `room:…`, `user:…`) now? @default such channels are not looked at */
  hears?(principal: string, channel: string): boolean
}

/** One way to look at rows: rights, and the query on top of them. */
export interface Sight {
  readonly rights: Rights
  readonly where: AnyWhere
  sees(row: WireRow | null): boolean
  /** The row as it may be sent. */
  show(row: WireRow): WireRow
}

export function createSight(rights: Rights, where: AnyWhere = {}): Sight {
  const { fields } = rights
  return {
    rights,
    where,
    sees: (row) => row !== null && rights.sees(row) && matchesWhere(row, where),
    show(row) {
      if (fields === undefined) return row
      const shown = new Set(['id', 'version', ...fields])
      return Object.fromEntries(Object.entries(row).filter(([name]) => shown.has(name))) as WireRow
    },
  }
}

/** Do two rows have the same fields with the same values, in whatever order? */
export function isSameRow(a: object | null | undefined, b: object | null | undefined): boolean {
  if (!a || !b) return !a && !b
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => isSameValue(a[name as never], b[name as never]))
  )
}

function isSameValue(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}
