// What a group was not shown because its rule failed. Held by the group until its members have been asked about anew; next:
// doubts.ts says when.
import { hasReached, type Position } from '@dnr/protocol'
import type { OpeningContext } from './opening-context.ts'
import type { MovedRows } from './row-moves.ts'
import type { Group, Subscription } from './subscription.ts'

/** The rows that a rule failed on, before or after a change: what members have of them is not known. */
export interface Doubt {
  readonly ids: Set<string>
  /** Are there more than are kept? Then any row may be one. */
  isOfAll: boolean
  /** How often it has been asked about: members take turns, of whom one may be whose rights are not found out. */
  asked: number
}

/** So many ids are kept, and can be looked up at once: the bound of `in`. */
const MAX_IDS = 100

/** What a client is told to have instead of rights while it is not known, at any position of it, what it saw. */
export const NO_RIGHTS = 'unsettled'

/** May the group see this row? If its rule fails nobody knows: it is hidden, and the group is in doubt. */
export function groupSees(group: Group, id: string, row: unknown): boolean {
  const verdict = group.grant?.judge(row) ?? false
  if (verdict !== 'unknown') return verdict
  group.doubts.add(group, id)
  return false
}

export function createDoubt(): Doubt {
  return { ids: new Set(), isOfAll: false, asked: 0 }
}

export function doubtRow(doubt: Doubt, id: string): void {
  if (doubt.ids.size < MAX_IDS) doubt.ids.add(id)
  else doubt.isOfAll ||= !doubt.ids.has(id)
}

export function isDoubted(doubt: Doubt | null, id: string): boolean {
  return doubt !== null && (doubt.isOfAll || doubt.ids.has(id))
}

/**
 * Did the rule fail on a row since it was read, as the log told of it? Nobody heard that, so that what was read counts no longer: the
 * row is hidden until the rule has been asked again.
 */
export function isOverlooked({ doubt }: Group, id: string, moved: MovedRows): boolean {
  return moved.has(id) && isDoubted(doubt, id)
}

/** Is what the group sees known so well that somebody who comes back from a position can have no other row? */
export function isWellKnown({ shown, doubt }: Group, position: Position): boolean {
  if (shown === null || doubt !== null) return doubt === null
  return shown.completeAt !== null && !hasReached(shown.completeAt, position)
}

/** Names the rights that a subscriber has been shown rows by, so that it can say so when it comes back. */
export function rightsOfMember(
  { connection, group }: Subscription,
  { rightsOf }: Pick<OpeningContext, 'rightsOf'>,
): string {
  return group.doubt === null ? rightsOf(connection, group.grant, group.channel.name) : NO_RIGHTS
}
