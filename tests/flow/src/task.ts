import { defineEntity, type Principal } from '@dnr/protocol'
import { z } from 'zod'

/** The row of these tests: a task that belongs to a team. */
export const Task = defineEntity(
  'Task',
  z.object({
    id: z.string(),
    title: z.string().min(1),
    team: z.string().default('red'),
    rank: z.number().default(0),
    done: z.boolean().default(false),
  }),
)
export type Entities = { readonly Task: typeof Task }

export interface User extends Principal {
  readonly team: string
}
