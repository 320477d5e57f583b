import { z } from 'zod'

/** How active a person is: the most active of their connections counts. */
export const activitySchema = z.enum(['active', 'idle', 'away'])
export type Activity = z.infer<typeof activitySchema>

/** One user at a resource, whatever the number of their tabs. Identity comes from the session, never from a payload. */
export const memberSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** Wall clock of the last sign of activity, milliseconds since the epoch. */
  lastSeen: z.number(),
  state: activitySchema,
  /** How many connections the user has here. */
  connections: z.int().min(1),
  /** What the most recently joined or updated connection said of itself. */
  metadata: z.record(z.string(), z.unknown()),
})
export type Member = z.infer<typeof memberSchema>
