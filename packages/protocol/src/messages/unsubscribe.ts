import { z } from 'zod'
import { channelSchema, clientEnvelope, subscriptionKeySchema } from './envelope.ts'

/** Client → server: hear it no more. Answer: `unsubscribed`, also when nothing was subscribed. */
export const unsubscribeSchema = z.object({
  type: z.literal('unsubscribe'),
  channel: channelSchema,
  ...clientEnvelope,
  payload: z.object({ subscription: subscriptionKeySchema.optional() }).optional(),
})
export type UnsubscribeMessage = z.infer<typeof unsubscribeSchema>
