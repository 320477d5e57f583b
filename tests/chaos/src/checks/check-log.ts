// The log by itself and beside the table: S1.
import type { LoggedChange, Row } from './evidence.ts'
import { isSame } from './sight.ts'

/** One sentence for each place where the log contradicts itself or the table. */
export function checkLog(log: readonly LoggedChange[], rows: readonly Row[]): string[] {
  const table = new Map<string, Row>()
  const versions = new Map<string, number>()
  const found: string[] = []
  let last = 0
  for (const change of log) {
    const { offset, id, operation, version } = change
    const say = (what: string): void => void found.push(`log: ${operation} of ${id} at ${offset} ${what}`)
    if (offset <= last) say(`stands after ${last}`)
    last = offset
    const before = table.get(id) ?? null
    if (!isSame(change.before, before)) say('has another image before it than the change before left')
    if ((operation === 'created') !== (before === null))
      say(before === null ? 'has no row' : 'has a row already')
    if (version !== (versions.get(id) ?? 0) + 1) say(`is version ${version} after ${versions.get(id) ?? 0}`)
    versions.set(id, version)
    if (change.after === null) table.delete(id)
    else table.set(id, change.after)
  }
  return [...found, ...compareTables(table, rows)]
}

function compareTables(folded: ReadonlyMap<string, Row>, rows: readonly Row[]): string[] {
  const stored = new Map(rows.map((row) => [row.id, row]))
  const ids = new Set([...folded.keys(), ...stored.keys()])
  return [...ids]
    .filter((id) => !isSame(folded.get(id) ?? null, stored.get(id) ?? null))
    .map(
      (id) =>
        `log = rows: ${id} is ${show(stored.get(id))} in the table and ${show(folded.get(id))} in the log`,
    )
}

function show(row: Row | undefined): string {
  return row === undefined ? 'absent' : JSON.stringify(row)
}
