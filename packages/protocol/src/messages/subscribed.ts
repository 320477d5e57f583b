import { z } from 'zod'
import {
  channelSchema,
  grantSchema,
  positionSchema,
  rowSchema,
  serverEnvelope,
  subscriptionKeySchema,
} from './envelope.ts'

/**
 * Server → client: the subscription is installed; nothing after `payload.position` will be missed.
 *
 * `recovered: true` means that everything after the asked position follows as events. Channels other than `entity:`
 * have no position.
 */
export const subscribedSchema = z.object({
  type: z.literal('subscribed'),
  channel: channelSchema,
  subscription: subscriptionKeySchema.optional(),
  ...serverEnvelope,
  payload: z.object({
    position: positionSchema.optional(),
    recovered: z.boolean().optional(),
    /** Names today's rights; only for who sent a `grant`. */
    grant: grantSchema.optional(),
    snapshot: z.object({ rows: z.array(rowSchema), more: z.boolean() }).optional(),
  }),
})
export type SubscribedMessage = z.infer<typeof subscribedSchema>
