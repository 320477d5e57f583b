import { defineEntity, type Principal } from '@dnr/protocol'
import { z } from 'zod'

export interface User extends Principal {
  readonly team: string
}

export const Task = defineEntity(
  'Task',
  z.object({
    id: z.string(),
    title: z.string(),
    team: z.string(),
    secret: z.string().default(''),
    due: z.date().nullable().default(null),
  }),
)
export type TaskRow = {
  id: string
  version: number
  title: string
  team: string
  secret: string
  due: Date | null
}
