import { z } from 'zod'
import { rowSchema } from './envelope.ts'
import { entityEventEnvelope } from './entity-event.ts'

/**
 * Server → client: a row changed, or (`reason: 'entered'`, at the version that is known) other fields of it are in sight
 * now; `payload` is the whole row.
 */
export const entityUpdatedSchema = z.object({
  type: z.literal('entity:updated'),
  ...entityEventEnvelope,
  reason: z.literal('entered').optional(),
  payload: rowSchema,
})
export type EntityUpdatedMessage = z.infer<typeof entityUpdatedSchema>
