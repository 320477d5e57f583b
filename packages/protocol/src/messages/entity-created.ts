import { z } from 'zod'
import { rowSchema } from './envelope.ts'
import { entityEventEnvelope } from './entity-event.ts'

/** Server → client: a row is new, or (`reason: 'entered'`) came into this subscription's sight. */
export const entityCreatedSchema = z.object({
  type: z.literal('entity:created'),
  ...entityEventEnvelope,
  reason: z.literal('entered').optional(),
  payload: rowSchema,
})
export type EntityCreatedMessage = z.infer<typeof entityCreatedSchema>
