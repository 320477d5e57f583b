import { z } from 'zod'
import { channelSchema, serverEnvelope, subscriptionKeySchema } from './envelope.ts'

/** Server → client: a message was refused, or a subscription has ended; `requestId`, `channel` and `subscription` are those it is about. */
export const errorSchema = z.object({
  type: z.literal('error'),
  channel: channelSchema.optional(),
  subscription: subscriptionKeySchema.optional(),
  ...serverEnvelope,
  /** The subscription that was installed is over. Without it an error refuses one message and changes nothing else. */
  ended: z.literal(true).optional(),
  payload: z.object({
    code: z.string(),
    message: z.string(),
    retryAfterMs: z.number().optional(),
    details: z.record(z.string(), z.unknown()).optional(),
  }),
})
export type ErrorMessage = z.infer<typeof errorSchema>
