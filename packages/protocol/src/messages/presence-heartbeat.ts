import { z } from 'zod'
import { channelSchema, clientEnvelope } from './envelope.ts'
import { activitySchema } from './member.ts'

/** Client → server: a sign of activity. No answer; when not joined, `error` `not_joined`. */
export const presenceHeartbeatSchema = z.object({
  type: z.literal('presence:heartbeat'),
  channel: channelSchema,
  ...clientEnvelope,
  payload: z.looseObject({ state: activitySchema.optional() }).optional(),
})
export type PresenceHeartbeatMessage = z.infer<typeof presenceHeartbeatSchema>
