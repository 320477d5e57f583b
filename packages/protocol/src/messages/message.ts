import { z } from 'zod'
import { channelSchema, clientEnvelope, serverEnvelope } from './envelope.ts'

/** Client → server: say something to everybody else on a `room:` channel. Not stored, at most once. */
export const sendMessageSchema = z.object({
  type: z.literal('message'),
  channel: channelSchema,
  ...clientEnvelope,
  payload: z.unknown(),
})
export type SendMessage = z.infer<typeof sendMessageSchema>

/** Server → client: somebody said something on a `room:` or `user:` channel. */
export const messageSchema = z.object({
  type: z.literal('message'),
  channel: channelSchema,
  ...serverEnvelope,
  payload: z.unknown(),
})
export type MessageMessage = z.infer<typeof messageSchema>
