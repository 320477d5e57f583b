import { defineEntity, type Principal, type WireRow } from '@dnr/protocol'
import type { Rights } from '@dnr/testing'
import { z } from 'zod'

/** Text fields hold a marker (`~…~`) that is written once, so that it can be looked for in everything that is sent. */
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

export interface User extends Principal {
  readonly id: string
}

/** What the policies of the simulation give: rows of one's team; notes without their secret to readers. */
export function rightsIn(team: string, isReader: boolean, entity: string): Rights {
  const sees = (row: WireRow): boolean => row['team'] === team
  if (entity !== 'Note' || !isReader) return { key: `${team}/all`, sees }
  return { key: `${team}/reader`, sees, fields: ['text', 'team'] }
}
