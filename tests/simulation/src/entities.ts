import { defineEntity, type Principal } from '@dnr/protocol'
import { z } from 'zod'

/** Ids and text fields are markers (`~…~`), each written once, so that they can be looked for in everything that is sent. */
export const Task = defineEntity(
  'Task',
  z.object({
    id: z.string(),
    title: z.string().min(1),
    team: z.string(),
    rank: z.number().default(0),
    done: z.boolean().default(false),
  }),
)

/** Readers see a note without its secret. */
export const Note = defineEntity(
  'Note',
  z.object({ id: z.string(), text: z.string(), team: z.string(), secret: z.string().default('') }),
)

export type Entities = { readonly Task: typeof Task; readonly Note: typeof Note }
export type EntityName = keyof Entities

export const ENTITY_NAMES: readonly EntityName[] = ['Task', 'Note']
export const TEAMS = ['red', 'blue'] as const

/** Texts that stand in one field of one row. */
export const MARKER = /~[^~"\s]+~/g

export interface User extends Principal {
  readonly id: string
}
