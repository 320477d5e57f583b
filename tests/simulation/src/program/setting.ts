// What the draws of one program share: its rows, its texts.
import { type EntityName, TEAMS } from '../entities.ts'
import type { Draw } from './draw.ts'

/** Ids that programs use, of each entity. */
export const ROWS = 10

export interface Setting {
  readonly draw: Draw
  readonly clients: number
  readonly rows: number
  markers: number
}

export function anEntity({ draw }: Setting): EntityName {
  return draw.chance(0.75) ? 'Task' : 'Note'
}

export function anId({ draw, rows }: Setting, entity: EntityName): string {
  return idOf(entity, draw.whole(0, rows - 1))
}

export function idOf(entity: EntityName, index: number): string {
  return `~${entity[0]?.toLowerCase()}${index}~`
}

/** A text that stands nowhere else. */
export function marker(setting: Setting): string {
  return `~${++setting.markers}~`
}

export function fieldsOf(setting: Setting, entity: EntityName): Record<string, unknown> {
  const { draw } = setting
  const team = draw.one(TEAMS)
  return entity === 'Task'
    ? { title: marker(setting), team, rank: draw.whole(0, 4), done: draw.chance(0.3) }
    : { text: marker(setting), team, secret: marker(setting) }
}

export function patchOf(setting: Setting, entity: EntityName): Record<string, unknown> {
  const { draw } = setting
  if (draw.chance(0.25)) return { team: draw.one(TEAMS) }
  if (entity === 'Note') return draw.chance(0.3) ? { secret: marker(setting) } : { text: marker(setting) }
  return draw.one([
    { title: marker(setting) },
    { title: marker(setting) },
    { rank: draw.whole(0, 4) },
    { done: draw.chance(0.5) },
    { rank: draw.whole(0, 4), title: marker(setting) },
  ])
}
