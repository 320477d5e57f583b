import { z } from 'zod'
import { channelSchema, serverEnvelope, subscriptionKeySchema } from './envelope.ts'

/** Server → client: no event of this subscription follows. */
export const unsubscribedSchema = z.object({
  type: z.literal('unsubscribed'),
  channel: channelSchema,
  subscription: subscriptionKeySchema.optional(),
  ...serverEnvelope,
})
export type UnsubscribedMessage = z.infer<typeof unsubscribedSchema>
