// What a client shows, against the log: after everything up to its position, and at rest against everything.
import type { AnyWhere, Change, Position, WireRow } from '@dnr/protocol'
import type { CommittedLog } from './committed-log.ts'
import type { HeldRights } from './held-rights.ts'
import { createSight, isSameRow, type Sight } from './rights.ts'
import { InvariantViolation } from './violation.ts'

/** The rows of a query as a client has them; `rows` as they travel. */
export interface ShownCollection {
  readonly name: string
  readonly principal: string
  readonly entity: string
  readonly where?: AnyWhere
  readonly rows: readonly WireRow[]
  /** Everything up to here is applied. */
  readonly position: Position | null
  /**
   * Does it wait for the server, be it that rights are asked about, and has taken in an answer to a write meanwhile? Then its rows may be by the rights of before,
   * or of a history that a restored backup took back, and that one by those of today. @default false
   */
  readonly isWaiting?: boolean
}

/** What is wrong with a collection, row by row; `null`: nothing. */
type Difference = { readonly what: string; readonly expected?: unknown; readonly actual?: unknown }

/** A prefix of the log, seen with the principal's rights; rows may be newer than the position. @throws InvariantViolation S2 */
export function checkApplied(
  shown: ShownCollection,
  log: CommittedLog,
  rights: HeldRights,
  since: number,
): void {
  const { principal, entity, where, position } = shown
  if (position === null || !log.isPresent(position)) return
  if (rights.haveFailed || shown.isWaiting === true) return checkEachRow(shown, log, rights, since)
  let difference: Difference | null = null
  const ever = rights.heldSince(since, principal, entity)
  for (const [index, held] of ever.entries()) {
    if (held === null) {
      // Who may see nothing any more keeps nothing.
      if (shown.rows.length === 0) return
      continue
    }
    const earlier = ever.slice(0, index).filter((each) => each !== null)
    const keeps = (row: WireRow): boolean => earlier.some((each) => each.sees(row))
    difference = differenceAt(position.offset, shown, createSight(held, where), log, keeps)
    if (difference === null) return
  }
  if (difference !== null) throw new InvariantViolation('S2', { who: shown.name, position, ...difference })
}

/** Where no position says what has to be there: each row has to be what some of their rights have shown of it. */
function checkEachRow(shown: ShownCollection, log: CommittedLog, rights: HeldRights, since: number): void {
  const { principal, entity, where, position, isWaiting = false } = shown
  const sights = rights.heldSince(since, principal, entity).flatMap((held) => held ?? [])
  for (const row of shown.rows) {
    const images = isWaiting
      ? log.imagesEver(entity, row.id)
      : log.ofRow(entity, row.id).map(({ after }) => after)
    const isTheirs = sights
      .map((held) => createSight(held, where))
      .some((sight) =>
        images.some((image) => image && sight.sees(image) && isSameRow(sight.show(image), row)),
      )
    if (isTheirs) continue
    const what = `row ${row.id} is nothing that they could see`
    throw new InvariantViolation('S2', { who: shown.name, position, what, actual: row })
  }
}

/** Exactly what the query gives, with the rights of now. @throws InvariantViolation S8 */
export function checkAtRest(shown: ShownCollection, log: CommittedLog, rights: HeldRights): void {
  const { principal, entity, where, position } = shown
  const held = rights.heldSince(rights.now(), principal, entity).at(-1)
  const sight = held ? createSight(held, where) : null
  const expected = new Map<string, WireRow>()
  for (const id of log.ids(entity)) {
    const row = log.rowAt(entity, id, log.head)
    if (row !== null && sight?.sees(row) === true) expected.set(id, sight.show(row))
  }
  const actual = new Map(shown.rows.map((row) => [row.id, row]))
  for (const id of new Set([...expected.keys(), ...actual.keys()])) {
    if (isSameRow(expected.get(id), actual.get(id))) continue
    const what = `row ${id} is not what the query gives`
    throw new InvariantViolation('S8', {
      who: shown.name,
      what,
      position,
      expected: expected.get(id) ?? null,
      actual: actual.get(id) ?? null,
    })
  }
}

function differenceAt(
  offset: number,
  shown: ShownCollection,
  sight: Sight,
  log: CommittedLog,
  keeps: (row: WireRow) => boolean,
): Difference | null {
  const { entity } = shown
  const rows = new Map(shown.rows.map((row) => [row.id, row]))
  for (const row of shown.rows) {
    const difference = wrongRow(row, offset, entity, sight, log, keeps)
    if (difference !== null) return difference
  }
  for (const id of log.ids(entity)) {
    const expected = log.rowAt(entity, id, offset)
    if (rows.has(id) || !sight.sees(expected) || isHiddenLater(entity, id, offset, sight, log)) continue
    return { what: `row ${id} is missing`, expected }
  }
  return null
}

function wrongRow(
  row: WireRow,
  offset: number,
  entity: string,
  sight: Sight,
  log: CommittedLog,
  keeps: (row: WireRow) => boolean,
): Difference | null {
  // The latest change that made the row what it is here: versions begin anew when a trimmed log has forgotten a deletion.
  const change = lastThatMade(row, entity, sight, log)
  if (change === undefined) return { what: `row ${row.id} is not what was committed`, actual: row }
  if (isHiddenLater(entity, row.id, offset, sight, log)) return null
  // Rights have changed, and a change that follows brings it into today's sight: it is not taken away in between.
  if (keeps(row) && isShownLater(entity, row.id, offset, sight, log)) return null
  if (!sight.sees(change.after)) return { what: `row ${row.id} may not be seen`, actual: row }
  if (change.position.offset > offset) return null
  const expected = log.rowAt(entity, row.id, offset)
  if (!sight.sees(expected)) return { what: `row ${row.id} should be gone`, expected, actual: row }
  if (isSameRow(expected && sight.show(expected), row)) return null
  return { what: `row ${row.id} is older than the position`, expected, actual: row }
}

function lastThatMade(row: WireRow, entity: string, sight: Sight, log: CommittedLog): Change | undefined {
  return log
    .ofRow(entity, row.id)
    .filter(({ after }) => after !== null && isSameRow(sight.show(after), row))
    .at(-1)
}

function isShownLater(entity: string, id: string, offset: number, sight: Sight, log: CommittedLog): boolean {
  return log.ofRow(entity, id).some(({ position, after }) => position.offset > offset && sight.sees(after))
}

/** Of a row that is hidden later, a resuming client is not told what it was in between. */
function isHiddenLater(entity: string, id: string, offset: number, sight: Sight, log: CommittedLog): boolean {
  return log.ofRow(entity, id).some(({ position, after }) => position.offset > offset && !sight.sees(after))
}
