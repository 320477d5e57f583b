// The rows for one who opens, part by part, as fast as it reads them; rights may change meanwhile. Comes from
// open-subscription.ts; snapshot-frames.ts reads and encodes.
import type { Position } from '@dnr/protocol'
import type { Connection } from '../connection/connection.ts'
import { answerSubscribe } from './answer-subscribe.ts'
import { isOpen } from './channel-registry.ts'
import type { OpeningContext } from './opening-context.ts'
import { drained } from './room-to-send.ts'
import { showRow } from './shown-rows.ts'
import { readSnapshot, type SnapshotReader, snapshotFrame, type StoredEntity } from './snapshot-frames.ts'
import type { Attempt, Subscription } from './subscription.ts'
import { inTurns } from './turns.ts'
import { beginSnapshot, byTodaysRights, hasOtherRights } from './underway.ts'

/** Rows of a snapshot are read and encoded for one reader: a byte of them is as much work as this many of a replay. */
const SNAPSHOT_WEIGHT = 4
/** A last part that is not the end. */
const STILL_OPEN = { more: true, readTo: null }

/** The rows, in parts; resolves with the position that the log is to be replayed from, or `null` when superseded. */
export async function sendSnapshot(
  attempt: Attempt,
  { connection, group }: Subscription,
  known: StoredEntity,
  context: OpeningContext,
): Promise<Position | null> {
  const underway = beginSnapshot(group, known)
  attempt.underway = underway
  const reader: SnapshotReader = {
    judge: (use) =>
      byTodaysRights(connection, attempt, (own) => ({ ...use(own.group), changes: underway.changes })),
    // Who sees all still does, or would not go on here.
    isTrue: ({ changes }) => underway.before.shown === null || changes === underway.changes,
  }
  // Before a part is made, so that it need not wait afterwards, when rights may change.
  if (!(await hasDrained(connection, attempt, context))) return null
  const parts = readSnapshot(group, reader, known, context)
  for await (const part of inTurns(parts, context.turns, ({ rows }) => rows.length * SNAPSHOT_WEIGHT)) {
    while (underway.asked !== null) await underway.asked
    const { subscription } = attempt
    if (subscription === null || !isOpen(subscription)) return null
    const { shown } = underway.before
    const said = { ...part, ...(reader.isTrue(part) ? {} : { rows: '', ids: [] }) }
    // What was sent by the rights of before is not what there is: the difference comes first, and then the end.
    if (hasOtherRights(attempt)) Object.assign(said, STILL_OPEN)
    for (const id of said.ids) if (shown !== null) showRow(shown, id)
    if (underway.sentTo === null)
      answerSubscribe(
        subscription,
        attempt,
        { position: part.position, recovered: false, part: said },
        context,
      )
    else context.send(connection, snapshotFrame(subscription.group, said, null, context.clock.now()))
    underway.sentTo = part.position
    underway.isWhole = !said.more
    if (part.more && !(await hasDrained(connection, attempt, context))) return null
  }
  return underway.sentTo
}

/** Waits until the peer has room, whatever becomes of its rights meanwhile; `false`: superseded, or it does not read. */
async function hasDrained(
  connection: Connection,
  attempt: Attempt,
  context: OpeningContext,
): Promise<boolean> {
  for (;;) {
    const subscription = await byTodaysRights(connection, attempt, (own) => own)
    if (subscription === null) return false
    if (await drained(subscription, context)) return true
    // Its rights are asked about, or have been.
    if (attempt.underway?.asked === null && attempt.subscription === subscription) return false
  }
}
