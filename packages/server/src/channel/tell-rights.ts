// What a client is told, unasked, of the rights that its rows are of: so it can say so when it comes back with its position.
import type { Position } from '@dnr/protocol'
import { NO_RIGHTS, rightsOfMember } from './doubt.ts'
import type { OpeningContext } from './opening-context.ts'
import { subscribedFrame } from './snapshot-frames.ts'
import type { Subscription } from './subscription.ts'

type TellingContext = Pick<OpeningContext, 'clock' | 'send'>

/** It goes on: what it has, up to where it has been sent everything, is by the rights of today. */
export function tellRights(
  subscription: Subscription,
  context: TellingContext & Pick<OpeningContext, 'rightsOf' | 'position'>,
): void {
  const reached = subscription.opening?.readTo ?? context.position()
  tell(subscription, reached, rightsOfMember(subscription, context), context)
}

/**
 * What it has is by no rights that are known: because a rule failed, or because a difference follows, which a lost connection may
 * cut from the rights that it leads to. Whoever comes back after this gets the rows anew.
 */
export function tellUnsettled(subscription: Subscription, context: TellingContext): void {
  tell(subscription, null, NO_RIGHTS, context)
}

function tell(
  { connection, group, wantsGrant }: Subscription,
  position: Position | null,
  grant: string,
  { clock, send }: TellingContext,
): void {
  if (!wantsGrant || group.grant === null) return
  const said = { position, recovered: true, part: null, grant, requestId: undefined }
  send(connection, subscribedFrame(group, said, clock.now()))
}
