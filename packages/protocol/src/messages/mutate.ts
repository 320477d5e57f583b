import { z } from 'zod'
import { clientEnvelope } from './envelope.ts'

const mutationId = z.string().regex(/^[\x21-\x7e]{1,128}$/)
const fields = z.record(z.string().max(64), z.unknown())
const ifVersion = z.int().min(0).optional()

/** Client → server: write a row. Answer: `mutated` or `error`, once per `mutationId` however often it is asked. */
export const mutateSchema = z.object({
  type: z.literal('mutate'),
  ...clientEnvelope,
  payload: z.discriminatedUnion('operation', [
    z.object({ operation: z.literal('create'), entity: z.string().max(64), mutationId, fields }),
    z.object({
      operation: z.literal('update'),
      entity: z.string().max(64),
      mutationId,
      id: z.string().max(200),
      fields,
      ifVersion,
    }),
    z.object({
      operation: z.literal('delete'),
      entity: z.string().max(64),
      mutationId,
      id: z.string().max(200),
      ifVersion,
    }),
  ]),
})
export type MutateMessage = z.infer<typeof mutateSchema>
