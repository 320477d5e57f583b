// Replays what was asked for over a confirmed row. Pure: holds nothing, knows nothing of sending. There are no snapshots to
// go back to: whoever drops a step and replays the others sees the world without it.
import type { VersionedRow } from '../ports/confirmed-rows.ts'

/** Fields to change. */
export type Fields = Readonly<Record<string, unknown>>
/** Computes the fields to change from the row as it is at that moment. */
export type Updater = (row: never) => Fields

/** What a mutation makes of the row that stands before it; `undefined` is no row. */
export type Step = (row: VersionedRow | undefined) => VersionedRow | undefined

/** Adds the row; one that is there already is ours, seen back, and stays. */
export function creates(created: VersionedRow): Step {
  return (row) => row ?? created
}

/** Changes fields; where there is no row, nothing. */
export function updates(patches: readonly (Fields | Updater)[]): Step {
  return (row) => row && { ...row, ...combinePatches(row, patches) }
}

export const deletes: Step = () => undefined

/** What the server stored, for as long as the confirmed row is older. */
export function becomes(stored: VersionedRow | null): Step {
  return (row) => (stored && row && row.version >= stored.version ? row : (stored ?? undefined))
}

/** The row after the steps of all `mutations`, `undefined` when there is none. A step that throws is left out and told to `onThrow`. */
export function replay(
  base: VersionedRow | undefined,
  mutations: Iterable<{ readonly step: Step }>,
  onThrow: (error: unknown) => void,
): VersionedRow | undefined {
  let row = base
  for (const { step } of mutations) {
    try {
      row = step(row)
    } catch (error) {
      onThrow(error)
    }
  }
  return row
}

/** The fields that `patches` change, each patch seeing the row that the ones before it left. Those that are no functions are clean. */
export function combinePatches(
  row: VersionedRow | undefined,
  patches: readonly (Fields | Updater)[],
): Fields {
  const fields: Fields = {}
  for (const patch of patches) {
    Object.assign(
      fields,
      typeof patch === 'function' ? cleanFields(patch({ ...row, ...fields } as never)) : patch,
    )
  }
  return fields
}

/** Without `id`, `version` and what is undefined: JSON would drop the last, and the server keeps the others. */
export function cleanFields(input: Fields): Fields {
  const fields: Record<string, unknown> = {}
  for (const name of Object.keys(input)) {
    if (name !== 'id' && name !== 'version' && input[name] !== undefined) fields[name] = input[name]
  }
  return fields
}

/** Is one of the patches a function? */
export function hasUpdater(patches: readonly (Fields | Updater)[]): boolean {
  return patches.some((patch) => typeof patch === 'function')
}
