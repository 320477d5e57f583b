import { z } from 'zod'
import { rowSchema } from './envelope.ts'
import { entityEventEnvelope } from './entity-event.ts'

/** Server → client: a row changed; `payload` is the whole row. */
export const entityUpdatedSchema = z.object({
  type: z.literal('entity:updated'),
  ...entityEventEnvelope,
  payload: rowSchema,
})
export type EntityUpdatedMessage = z.infer<typeof entityUpdatedSchema>
