import { z } from 'zod'
import { entityEventEnvelope } from './entity-event.ts'

/** Server → client: a row is gone, or (`reason: 'left'`, then without `version`) left this subscription's sight. */
export const entityDeletedSchema = z.object({
  type: z.literal('entity:deleted'),
  ...entityEventEnvelope,
  reason: z.literal('left').optional(),
  payload: z.object({ id: z.string(), version: z.int().min(1).optional() }),
})
export type EntityDeletedMessage = z.infer<typeof entityDeletedSchema>
