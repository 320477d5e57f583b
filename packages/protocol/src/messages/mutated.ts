import { z } from 'zod'
import { positionSchema, rowSchema, serverEnvelope } from './envelope.ts'

/** Server → client: the write of `mutate` is committed at `position`; `row` is absent when deleted or not visible. */
export const mutatedSchema = z.object({
  type: z.literal('mutated'),
  ...serverEnvelope,
  position: positionSchema,
  payload: z.object({ mutationId: z.string(), row: rowSchema.optional() }),
})
export type MutatedMessage = z.infer<typeof mutatedSchema>
