import { z } from 'zod'
import {
  channelSchema,
  grantSchema,
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
    /** With the last, when rights have changed since `subscribed`: those of today, which all rows and what came before it are of. */
    grant: grantSchema.optional(),
  }),
})
export type SnapshotMessage = z.infer<typeof snapshotSchema>
