import { defineEntity, parseChannel, type RowOf } from '@dnr/protocol'
import { z } from 'zod'

/** Characters as people count them, nearly: an emoji of two UTF-16 units is one. */
const upTo =
  (max: number) =>
  (text: string): boolean =>
    text.length <= max || Array.from(text).length <= max

/** What the board shows: one card. The server and its database use the schema, the page the types alone. */
export const Task = defineEntity(
  'Task',
  z.object({
    id: z.string(),
    title: z.string().min(1, 'is empty').refine(upTo(200), 'is longer than 200 characters'),
    status: z.enum(['todo', 'doing', 'done'], 'is none of todo, doing, done').default('todo'),
    team: z.string().refine(isTeam, 'is not 1 to 64 characters that can be printed'),
    /** The id of the user who does it. */
    assignee: z.string().nullable().default(null),
    /** Order within a column. */
    rank: z.number(),
    notes: z.string().refine(upTo(10_000), 'is longer than 10,000 characters').default(''),
    /** Set by the server, milliseconds since the epoch, as is `updatedAt`. */
    createdAt: z.number(),
    updatedAt: z.number(),
  }),
)

export type Task = RowOf<typeof Task>
export type Status = Task['status']
/** The entities of the board by name, as `createRealtimeClient<Entities>` takes them. */
export type Entities = { readonly Task: typeof Task }

/** Any text of 1 to 64 characters that can be part of a channel's name: who is at a team's board is told there. */
export function isTeam(text: string): boolean {
  const { length } = Array.from(text)
  return length >= 1 && length <= 64 && parseChannel(`presence:board/${text}`).ok
}
