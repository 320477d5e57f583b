// The answer to a request to subscribe.
import type { Position } from '@dnr/protocol'
import { isWellKnown, rightsOfMember } from './doubt.ts'
import type { OpeningContext } from './opening-context.ts'
import { subscribedFrame, type SnapshotPart } from './snapshot-frames.ts'
import type { Attempt, Subscription } from './subscription.ts'

/** Says `subscribed`; a plugin that asks sees for itself. `part`: the first of a snapshot. */
export function answerSubscribe(
  subscription: Subscription,
  attempt: Attempt,
  said: { position: Position | null; recovered: boolean; part: SnapshotPart | null },
  context: OpeningContext,
): void {
  const { connection, group } = subscription
  const { quiet, grant } = attempt.request
  // A second answer (what the log tells was not all, or was trimmed in the middle of it) was not asked for: the client takes it as anew.
  const requestId = attempt.isAnnounced ? undefined : attempt.request.requestId
  attempt.isAnnounced = true
  subscription.isApart ||= said.recovered && said.position !== null && !isWellKnown(group, said.position)
  if (subscription.opening !== null) subscription.opening.knowsDoubt = group.doubt !== null
  if (quiet === true) return
  const rights = grant === undefined ? null : rightsOfMember(subscription, context)
  context.send(connection, subscribedFrame(group, { ...said, grant: rights, requestId }, context.clock.now()))
}
