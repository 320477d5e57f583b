import { z } from 'zod'
import { serverEnvelope } from './envelope.ts'

/** Server → client: this server goes away; come back after `delayMs`, each client has a slot of its own. */
export const reconnectSchema = z.object({
  type: z.literal('reconnect'),
  ...serverEnvelope,
  payload: z.object({ delayMs: z.number().min(0) }),
})
export type ReconnectMessage = z.infer<typeof reconnectSchema>
