import { z } from 'zod'
import {
  channelSchema,
  clientEnvelope,
  grantSchema,
  positionSchema,
  subscriptionKeySchema,
} from './envelope.ts'
import { whereSchema } from './query.ts'

/** Client → server: hear a channel from now on, or from `position` on. Answer: `subscribed` or `error`. */
export const subscribeSchema = z.object({
  type: z.literal('subscribe'),
  channel: channelSchema,
  ...clientEnvelope,
  payload: z
    .object({
      position: positionSchema.optional(),
      /** What the last `snapshot` said: rows may be as new as this. Where it is beyond `position`, it has to hold as well. */
      readTo: positionSchema.optional(),
      snapshot: z.boolean().optional(),
      query: z.object({ where: whereSchema.optional() }).optional(),
      subscription: subscriptionKeySchema.optional(),
      /** What `subscribed` last said of one's rights; `null` before that. Other rights today: the position does not hold. */
      grant: grantSchema.nullable().optional(),
    })
    .optional(),
})
export type SubscribeMessage = z.infer<typeof subscribeSchema>
