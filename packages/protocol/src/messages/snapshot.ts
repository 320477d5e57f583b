import { z } from 'zod'
import {
  channelSchema,
  positionSchema,
  rowSchema,
  serverEnvelope,
  subscriptionKeySchema,
} from './envelope.ts'

/** Server → client: the next rows of a snapshot that `subscribed` began; `more: false` ends it. */
export const snapshotSchema = z.object({
  type: z.literal('snapshot'),
  channel: channelSchema,
  subscription: subscriptionKeySchema.optional(),
  ...serverEnvelope,
  payload: z.object({
    rows: z.array(rowSchema),
    more: z.boolean(),
    /** With the last: no row of the snapshot is newer. */
    readTo: positionSchema.optional(),
  }),
})
export type SnapshotMessage = z.infer<typeof snapshotSchema>
