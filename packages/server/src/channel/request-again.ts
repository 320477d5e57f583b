// What is asked for in a client's place when the rights of its session change.
import type { Attempt, Subscription, SubscribeRequest } from './subscription.ts'

/**
 * The request that `subscription` came from, for other rights. Not from a position: that would bring what was missed, and
 * not take away what may no longer be seen. People and messages go on without a word, unless they may no longer be heard.
 *
 * A question that waits for its answer (`attempt`) gets it under its own id.
 */
export function requestAgain({ group }: Subscription, attempt: Attempt | undefined): SubscribeRequest {
  const { channel: entry, grant, where, subscription } = group
  const request = { channel: entry.channel, name: entry.name, subscription, where: where ?? undefined }
  if (grant === null) return { ...request, quiet: true }
  const requestId = attempt?.isAnswered === false ? attempt.request.requestId : undefined
  return { ...request, snapshot: true, requestId }
}
