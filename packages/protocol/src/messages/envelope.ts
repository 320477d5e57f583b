import { z } from 'zod'

/** `requestId`s that are echoed: 1–100 of letters, digits, `_`, `.`, `-`. Any other value is not echoed, and no error. */
export const requestIdSchema = z.string().regex(/^[\w.-]{1,100}$/)

/** A place in the log, as every message carries it. */
export const positionSchema = z.object({
  epoch: z.string().regex(/^[\w-]{1,64}$/),
  offset: z.int().min(0),
})

/** The client's own name for one of several views of a channel. */
export const subscriptionKeySchema = z.string().min(1).max(100)

/** A fingerprint of what a subscriber may see. Equal rights have equal ones; it says nothing else. */
export const grantSchema = z.string().min(1).max(100)

/** Channel names are checked by `parseChannel`, so that its sentence reaches the sender. */
export const channelSchema = z.string().max(1024)

/** Fields of the envelope that a client may send with any message. Its `timestamp` is accepted and never used. */
export const clientEnvelope = {
  requestId: requestIdSchema.optional().catch(undefined),
  timestamp: z.unknown().optional(),
}

/** Fields of the envelope that every message of the server has: its own clock, and the request that it answers. */
export const serverEnvelope = {
  requestId: requestIdSchema.optional(),
  timestamp: z.number(),
}

/** A row on the wire: any JSON fields, `id` and `version` among them; 0 is that of a row which nobody has counted yet. */
export const rowSchema = z.looseObject({ id: z.string(), version: z.int().min(0) })
