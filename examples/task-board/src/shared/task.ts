import { defineEntity, type RowOf } from '@dnr/protocol'
import { z } from 'zod'

/** What the board shows: one card. The server and its database use the schema, the page the types alone. */
export const Task = defineEntity(
  'Task',
  z.object({
    id: z.string(),
    title: z
      .string()
      .min(1, 'is empty')
      .max(200, 'is longer than 200 characters')
      .refine((title) => title.trim() !== '', 'is blank'),
    status: z.enum(['todo', 'doing', 'done'], 'is none of todo, doing, done').default('todo'),
    team: z.string().regex(/^[\w-]{1,64}$/, 'is not 1 to 64 letters, digits, "_" or "-"'),
    /** The id of the user who does it. */
    assignee: z.string().min(1).max(64).nullable().default(null),
    /** Order within a column. */
    rank: z.number(),
    notes: z.string().max(10_000, 'is longer than 10,000 characters').default(''),
    /** Set by the server, milliseconds since the epoch, as is `updatedAt`. */
    createdAt: z.number(),
    updatedAt: z.number(),
  }),
)

export type Task = RowOf<typeof Task>
export type Status = Task['status']
/** The entities of the board by name, as `createRealtimeClient<Entities>` takes them. */
export type Entities = { readonly Task: typeof Task }
