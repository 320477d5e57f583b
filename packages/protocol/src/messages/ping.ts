import { z } from 'zod'
import { clientEnvelope } from './envelope.ts'

/** Client → server: are you there? Answer: `pong`. */
export const pingSchema = z.object({ type: z.literal('ping'), ...clientEnvelope })
export type PingMessage = z.infer<typeof pingSchema>
