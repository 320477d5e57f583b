import { z } from 'zod'
import { serverEnvelope } from './envelope.ts'

/** What a connection may do, by the names of the server's options; `null` is "no limit". */
export const limitsSchema = z.object({
  maxSubscriptionsPerConnection: z.int().nullable(),
  maxFrameBytes: z.int().nullable(),
  maxMessagesPerSecond: z.int().nullable(),
  /** How many frames may come at once, after a rest; absent from servers that do not say. */
  maxMessageBurst: z.int().nullable().optional(),
})

/** Server → client: the first frame, nothing precedes it. `userId` is `null` for a guest. */
export const connectedSchema = z.object({
  type: z.literal('connected'),
  ...serverEnvelope,
  payload: z.object({
    connectionId: z.string(),
    userId: z.string().nullable(),
    /** When the session ends, milliseconds since the epoch; `null`: never, or a guest. */
    expiresAt: z.number().nullable(),
    protocolVersion: z.int(),
    /** How often the server looks for a sign of life, milliseconds. */
    heartbeatIntervalMs: z.number(),
    limits: limitsSchema,
  }),
})
export type ConnectedMessage = z.infer<typeof connectedSchema>
