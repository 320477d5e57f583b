import { z } from 'zod'
import { channelSchema, serverEnvelope, subscriptionKeySchema } from './envelope.ts'

/** Server → client: a request was refused; `requestId`, `channel` and `subscription` are those it answers. */
export const errorSchema = z.object({
  type: z.literal('error'),
  channel: channelSchema.optional(),
  subscription: subscriptionKeySchema.optional(),
  ...serverEnvelope,
  payload: z.object({
    code: z.string(),
    message: z.string(),
    retryAfterMs: z.number().optional(),
    details: z.record(z.string(), z.unknown()).optional(),
  }),
})
export type ErrorMessage = z.infer<typeof errorSchema>
