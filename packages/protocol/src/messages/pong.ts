import { z } from 'zod'
import { positionSchema, serverEnvelope } from './envelope.ts'

/** Server → client: here. With an entity subscription, everything up to `position` has been sent before this frame. */
export const pongSchema = z.object({
  type: z.literal('pong'),
  ...serverEnvelope,
  position: positionSchema.optional(),
})
export type PongMessage = z.infer<typeof pongSchema>
