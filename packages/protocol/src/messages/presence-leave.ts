import { z } from 'zod'
import { channelSchema, clientEnvelope, serverEnvelope } from './envelope.ts'
import { memberSchema } from './member.ts'

/** Server → client: these users are gone; also the echo of one's own `presence:leave`. */
export const presenceLeaveSchema = z.object({
  type: z.literal('presence:leave'),
  channel: channelSchema,
  ...serverEnvelope,
  payload: z.object({ users: z.array(memberSchema) }),
})
export type PresenceLeaveMessage = z.infer<typeof presenceLeaveSchema>

/** Client → server: I leave. Answer: its echo with the `requestId`. */
export const leavePresenceSchema = z.object({
  type: z.literal('presence:leave'),
  channel: channelSchema,
  ...clientEnvelope,
})
export type LeavePresenceMessage = z.infer<typeof leavePresenceSchema>
