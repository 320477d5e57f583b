import { z } from 'zod'
import { channelSchema, serverEnvelope } from './envelope.ts'
import { memberSchema } from './member.ts'

/** Server → client: everybody who is here; replaces what was known and is no join of anybody. */
export const presenceSyncSchema = z.object({
  type: z.literal('presence:sync'),
  channel: channelSchema,
  ...serverEnvelope,
  payload: z.object({ users: z.array(memberSchema) }),
})
export type PresenceSyncMessage = z.infer<typeof presenceSyncSchema>
