import { z } from 'zod'
import { channelSchema, positionSchema, serverEnvelope, subscriptionKeySchema } from './envelope.ts'

/** What the three entity events share beside `type` and `payload`. */
export const entityEventEnvelope = {
  channel: channelSchema,
  subscription: subscriptionKeySchema.optional(),
  ...serverEnvelope,
  /** Its place in the log; absent when it is in none: then it came once, to who was there. */
  position: positionSchema.optional(),
  /** Whose write it was; never on `reason: 'left'`. */
  mutationId: z.string().optional(),
  /** How many changes of the record this one stands for. */
  conflated: z.int().min(2).optional(),
  /** More events of the same transaction follow: apply them together, with the last. */
  more: z.literal(true).optional(),
}
