import { z } from 'zod'
import { channelSchema, clientEnvelope, serverEnvelope } from './envelope.ts'
import { memberSchema } from './member.ts'

/** Server → client: these users' state, metadata or number of connections changed. */
export const presenceUpdateSchema = z.object({
  type: z.literal('presence:update'),
  channel: channelSchema,
  ...serverEnvelope,
  payload: z.object({ users: z.array(memberSchema) }),
})
export type PresenceUpdateMessage = z.infer<typeof presenceUpdateSchema>

/** Client → server: my metadata is now this (all of it). No answer; when not joined, `error` `not_joined`. */
export const updatePresenceSchema = z.object({
  type: z.literal('presence:update'),
  channel: channelSchema,
  ...clientEnvelope,
  payload: z.looseObject({ metadata: z.record(z.string(), z.unknown()) }),
})
export type UpdatePresenceMessage = z.infer<typeof updatePresenceSchema>
