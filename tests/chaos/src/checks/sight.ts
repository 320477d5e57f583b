// What a view sees, said anew in the fewest words: the checks share no code with what they check.
import type { LoggedChange, Row, View } from './evidence.ts'

/** What a change is to somebody who saw the row before it or not, and sees it after or not. */
export type Meaning = 'created' | 'updated' | 'deleted' | 'entered' | 'left'

export function sees(view: View, row: Row | null): boolean {
  if (row === null || (view.id !== undefined && row.id !== view.id)) return false
  if (view.team !== 'admin' && row['team'] !== view.team) return false
  return Object.entries(view.where ?? {}).every(([field, value]) => row[field] === value)
}

/** What `change` means to `view`; `null`: nothing. */
export function meaningOf(view: View, { operation, before, after }: LoggedChange): Meaning | null {
  const [saw, sight] = [sees(view, before), sees(view, after)]
  if (operation === 'created') return sight ? 'created' : null
  if (operation === 'deleted') return saw ? 'deleted' : null
  if (saw) return sight ? 'updated' : 'left'
  return sight ? 'entered' : null
}

/** Equal as JSON, whatever the order of fields. */
export function isSame(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b)
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}
