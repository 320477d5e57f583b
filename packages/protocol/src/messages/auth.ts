import { z } from 'zod'
import { clientEnvelope, serverEnvelope } from './envelope.ts'

/** Client → server: who I am, or my renewed token. Answer: `authenticated`, or close 4401. */
export const authSchema = z.object({
  type: z.literal('auth'),
  ...clientEnvelope,
  payload: z.object({ token: z.string().min(1).max(4096) }),
})
export type AuthMessage = z.infer<typeof authSchema>

/** Server → client: the session ends at `expiresAt` (milliseconds since the epoch). Send `auth` with a new token before that. */
export const askAuthSchema = z.object({
  type: z.literal('auth'),
  ...serverEnvelope,
  payload: z.object({ expiresAt: z.number() }),
})
export type AskAuthMessage = z.infer<typeof askAuthSchema>
