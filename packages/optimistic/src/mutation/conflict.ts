// What to do when a row moved on since its writer saw it. Pure.
import type { VersionedRow } from '../ports/confirmed-rows.ts'
import type { Fields } from '../rebase/replay.ts'

/** Did somebody else change one of the fields that I write? Unknown before, so: yes. */
export function isContested(base: VersionedRow | undefined, mine: Fields, current: VersionedRow): boolean {
  const before = base as Fields | undefined
  const now = current as unknown as Fields
  return Object.keys(mine).some((field) => before === undefined || !isSameValue(before[field], now[field]))
}

function isSameValue(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === 'object' && JSON.stringify(a) === JSON.stringify(b))
}
