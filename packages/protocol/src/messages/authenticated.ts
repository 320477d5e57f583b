import { z } from 'zod'
import { serverEnvelope } from './envelope.ts'

/** Server → client: the token of `auth` was accepted. */
export const authenticatedSchema = z.object({
  type: z.literal('authenticated'),
  ...serverEnvelope,
  payload: z.object({ userId: z.string(), expiresAt: z.number().nullable() }),
})
export type AuthenticatedMessage = z.infer<typeof authenticatedSchema>
