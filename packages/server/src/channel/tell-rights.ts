import type { Position } from '@dnr/protocol'
import { rightsOfMember } from './doubt.ts'
import type { OpeningContext } from './open-subscription.ts'
import { subscribedFrame } from './snapshot-frames.ts'
import type { Subscription } from './subscription.ts'

/** Tells a client that asks for it which rights it has now, so that it can say so when it comes back with its position. */
export function tellRights(
  subscription: Subscription,
  position: Position | null,
  context: Pick<OpeningContext, 'clock' | 'send' | 'rightsOf'>,
): void {
  const { connection, group, wantsGrant } = subscription
  if (!wantsGrant || group.grant === null) return
  const grant = rightsOfMember(subscription, context)
  const said = { position, recovered: true, part: null, grant, requestId: undefined }
  context.send(connection, subscribedFrame(group, said, context.clock.now()))
}
