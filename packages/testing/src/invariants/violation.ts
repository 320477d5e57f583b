/**
 * What must stay true. S1 log = rows · S2 in order, once, none lost · S3 one position, one change · S4 what was acknowledged is in
 * the log, what was refused is not · S5 of one author and row in the order of asking · S6 one mutation id, one change · S7 only what
 * may be seen · S8 at rest a collection is its query · S9 nothing is left of what was closed · S10 a mutation settles once · S11
 * presence is true · S12 each request is answered once, in order, and nothing comes for a subscription that is over · L1 it comes to
 * rest.
 */
export type Property =
  | 'S1'
  | 'S2'
  | 'S3'
  | 'S4'
  | 'S5'
  | 'S6'
  | 'S7'
  | 'S8'
  | 'S9'
  | 'S10'
  | 'S11'
  | 'S12'
  | 'L1'

/** What a violation says beside its property. */
export interface ViolationDetails {
  /** Which client, subscription or collection. */
  readonly who: string
  readonly what: string
  readonly position?: unknown
  readonly expected?: unknown
  readonly actual?: unknown
  /** The last frames of the connection, oldest first. */
  readonly frames?: readonly string[]
}

/** A property that does not hold. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation'
  readonly property: Property
  readonly details: ViolationDetails

  constructor(property: Property, details: ViolationDetails) {
    super(describe(property, details))
    this.property = property
    this.details = details
  }
}

function describe(
  property: Property,
  { who, what, position, expected, actual, frames }: ViolationDetails,
): string {
  const lines = [`${property}: ${who}: ${what}`]
  if (position !== undefined) lines.push(`  at       ${JSON.stringify(position)}`)
  if (expected !== undefined) lines.push(`  expected ${JSON.stringify(expected)}`)
  if (actual !== undefined) lines.push(`  actual   ${JSON.stringify(actual)}`)
  for (const frame of frames ?? []) lines.push(`  frame    ${frame}`)
  return lines.join('\n')
}
