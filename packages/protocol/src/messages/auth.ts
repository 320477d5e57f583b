import { z } from 'zod'
import { clientEnvelope } from './envelope.ts'

/** Client → server: who I am, or my renewed token. Answer: `authenticated`, or close 4401. */
export const authSchema = z.object({
  type: z.literal('auth'),
  ...clientEnvelope,
  payload: z.object({ token: z.string().min(1).max(4096) }),
})
export type AuthMessage = z.infer<typeof authSchema>
