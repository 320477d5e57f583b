// One subscription beside the log: S2 (a prefix of what it may see: none lost, none twice, none out of order, none
// invented), S3 (an offset has one meaning), and transactions whole.
import type { HeardEvent, LoggedChange, Row, Stream, View } from './evidence.ts'
import { type Reading, readJournal } from './read-journal.ts'
import { isSame, type Meaning, meaningOf, sees } from './sight.ts'

/** Between the commit of a change and the moment at which a replay that was just announced reads it. */
const READ_SLACK_MS = 2_000

/** One sentence for each thing that should not have come, or should have. */
export function checkStream({ view, journal }: Stream, log: readonly LoggedChange[]): string[] {
  const reading = readJournal(journal)
  const known = new Map(log.map((change) => [change.offset, change]))
  return [
    ...reading.complaints,
    ...reading.transactions
      .flat()
      .flatMap((event) => checkEvent(event, view, known.get(event.position.offset))),
    ...findTorn(reading, known),
    ...findLost(reading, view, log),
    ...compareRows(reading, view, log),
  ].map((what) => `${view.name}: ${what}`)
}

/** Has everything come that had to? */
export function hasEverything({ view, journal }: Stream, log: readonly LoggedChange[]): boolean {
  return findLost(readJournal(journal), view, log).length === 0
}

/** What was committed together comes together, and nothing else with it. */
function findTorn({ transactions }: Reading, known: ReadonlyMap<number, LoggedChange>): string[] {
  const torn: string[] = []
  const whole = new Set<number>()
  for (const events of transactions) {
    const [first = 0, ...others] = new Set(
      events.map(({ position }) => known.get(position.offset)?.transaction ?? position.offset),
    )
    if (others.length > 0)
      torn.push(`torn: events of the transactions ${[first, ...others].join(', ')} came as one`)
    if (whole.has(first)) torn.push(`torn: the transaction at ${first} came in parts`)
    whole.add(first)
  }
  return torn
}

function checkEvent(event: HeardEvent, view: View, change: LoggedChange | undefined): string[] {
  const { offset } = event.position
  if (change === undefined) return [`invented: the log has nothing at ${offset}`]
  const meaning = meaningOf(view, change)
  if (meaning === null) return [`leaked: the change at ${offset} is none of its business`]
  const { type, reason, payload } = expectedEvent(change, meaning)
  const isRight = event.type === type && event.reason === reason && isSame(event.payload, payload)
  return isRight
    ? []
    : [
        `two meanings: ${offset} is "${meaning}" of ${JSON.stringify(payload)}, came as ${JSON.stringify(event)}`,
      ]
}

function expectedEvent(
  { id, version, after }: LoggedChange,
  meaning: Meaning,
): { readonly type: string; readonly reason: string | undefined; readonly payload: unknown } {
  const reason = meaning === 'entered' || meaning === 'left' ? meaning : undefined
  if (meaning === 'left') return { type: 'entity:deleted', reason, payload: { id } }
  if (meaning === 'deleted') return { type: 'entity:deleted', reason, payload: { id, version } }
  return { type: meaning === 'updated' ? 'entity:updated' : 'entity:created', reason, payload: after }
}

function findLost(
  { from, snapshot, transactions, resumes }: Reading,
  view: View,
  log: readonly LoggedChange[],
): string[] {
  const heard = new Set(transactions.flat().map(({ position }) => position.offset))
  const goneAt = nextVanishings(view, log)
  const held = new Set(snapshot?.map(({ id }) => id))
  const lost: string[] = []
  for (const change of log) {
    const { id, offset } = change
    const meaning = meaningOf(view, change)
    if (meaning === null || offset <= from) continue
    const isVanishing = meaning === 'left' || meaning === 'deleted'
    // Whoever was never told of a row need not be told that it is gone.
    const isMissed = isVanishing ? held.has(id) : !isLeftOut(change, goneAt.get(offset), resumes)
    if (!heard.has(offset) && isMissed)
      lost.push(`lost: the change of ${id} at ${offset} ("${meaning}") never came`)
    if (isVanishing) held.delete(id)
    else if (heard.has(offset)) held.add(id)
  }
  return lost
}

/** For each change by its offset: the next one that takes its row out of sight. */
function nextVanishings(view: View, log: readonly LoggedChange[]): Map<number, LoggedChange> {
  const nextById = new Map<string, LoggedChange>()
  const nextByOffset = new Map<number, LoggedChange>()
  for (const change of log.toReversed()) {
    const next = nextById.get(change.id)
    if (next !== undefined) nextByOffset.set(change.offset, next)
    const meaning = meaningOf(view, change)
    if (meaning === 'left' || meaning === 'deleted') nextById.set(change.id, change)
  }
  return nextByOffset
}

/**
 * Of a row that may not be seen any more a replay tells only that it is gone: what it was in between is left out. So it
 * is with a deleted one, if the deletion stands on a later page, and where pages end is the server's business.
 */
function isLeftOut(
  change: LoggedChange,
  gone: LoggedChange | undefined,
  resumes: Reading['resumes'],
): boolean {
  if (gone === undefined) return false
  return resumes.some(({ after, at }) => after < change.offset && gone.at <= at + READ_SLACK_MS)
}

/** What is left when everything that came is applied, by version, to the snapshot. */
function compareRows(
  { from, snapshot, transactions }: Reading,
  view: View,
  log: readonly LoggedChange[],
): string[] {
  const shown = new Map<string, Row>((snapshot ?? []).map((row) => [row.id, row]))
  for (const event of transactions.flat()) {
    const { id } = event.payload
    if (event.type === 'entity:deleted') shown.delete(id)
    else if ((shown.get(id)?.version ?? 0) < (event.payload as Row).version)
      shown.set(id, event.payload as Row)
  }
  const truth = new Map<string, Row>()
  for (const { id, after, offset } of log) {
    // Without a snapshot only what changed since the beginning can be known.
    const isKnowable = snapshot !== null || offset > from
    if (after !== null && sees(view, after) && isKnowable) truth.set(id, after)
    else truth.delete(id)
  }
  return [...new Set([...shown.keys(), ...truth.keys()])]
    .filter((id) => !isSame(shown.get(id), truth.get(id)))
    .map(
      (id) =>
        `ends with ${id} as ${JSON.stringify(shown.get(id))}, and it is ${JSON.stringify(truth.get(id))}`,
    )
}
