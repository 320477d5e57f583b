import { z } from 'zod'
import { channelSchema, clientEnvelope, serverEnvelope } from './envelope.ts'
import { memberSchema } from './member.ts'

/** Server → client: these users came. Many joins are one message. */
export const presenceJoinSchema = z.object({
  type: z.literal('presence:join'),
  channel: channelSchema,
  ...serverEnvelope,
  payload: z.object({ users: z.array(memberSchema) }),
})
export type PresenceJoinMessage = z.infer<typeof presenceJoinSchema>

/** Client → server: I am here. Also subscribes. Answer to the joiner: `presence:sync` with the `requestId`. */
export const joinPresenceSchema = z.object({
  type: z.literal('presence:join'),
  channel: channelSchema,
  ...clientEnvelope,
  payload: z.looseObject({ metadata: z.record(z.string(), z.unknown()).optional() }).optional(),
})
export type JoinPresenceMessage = z.infer<typeof joinPresenceSchema>
