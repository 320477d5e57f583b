// Somebody's sight grows to everything and shrinks again, while rows come and go and connections break.
import { TEAMS } from '../entities.ts'
import type { Role } from '../standings.ts'
import { drawWrite } from './draw-write.ts'
import type { Action } from './operation.ts'
import { anEntity, anId, type Setting } from './setting.ts'

const COURSES: readonly (readonly Role[])[] = [
  ['admin', 'member'],
  ['admin', 'reader', 'admin'],
  ['admin', 'member', 'outsider', 'admin'],
  ['outsider', 'admin', 'outsider', 'member'],
]

/** A few actions that follow each other closely. */
export function drawBreadth(setting: Setting): readonly Action[] {
  const { draw } = setting
  const client = draw.whole(0, setting.clients - 1)
  const team = draw.one(TEAMS)
  const scope = draw.one(['userId', 'key', 'channel'] as const)
  return draw
    .one(COURSES)
    .flatMap((role): Action[] => [{ do: 'team', client, team, role, scope }, ...meanwhile(setting, client)])
}

function meanwhile(setting: Setting, client: number): Action[] {
  const { draw } = setting
  return Array.from({ length: draw.whole(0, 3) }, (): Action => {
    const kind = draw.random()
    if (kind < 0.5) {
      const entity = anEntity(setting)
      return { do: 'write', write: { operation: 'delete', entity, id: anId(setting, entity), fields: {} } }
    }
    if (kind < 0.8) return { do: 'write', write: drawWrite(setting) }
    if (kind < 0.85) return { do: 'trim', keep: 0 }
    return { client, do: draw.one(['disconnect', 'connect', 'reload'] as const) }
  })
}
