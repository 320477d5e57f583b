// Somebody opens a collection, and their rights change before all of its rows have come.
import { ENTITY_NAMES, TEAMS } from '../entities.ts'
import { ROLES } from '../standings.ts'
import { drawWrite } from './draw-write.ts'
import type { Action } from './operation.ts'
import type { Setting } from './setting.ts'

/** A few actions that follow each other closely. */
export function drawOvertaken(setting: Setting): readonly Action[] {
  const { draw } = setting
  const client = draw.whole(0, setting.clients - 1)
  const scope = draw.one(['userId', 'key', 'channel'] as const)
  const opening: Action = {
    client,
    do: 'open',
    slot: draw.whole(0, 2),
    entity: draw.one(ENTITY_NAMES),
    where: {},
  }
  const changes = Array.from({ length: draw.whole(1, 3) }, (): Action[] => [
    ...(draw.chance(0.3) ? [{ do: 'write' as const, write: drawWrite(setting) }] : []),
    { do: 'team', client, team: draw.one(TEAMS), role: draw.one(ROLES), scope },
  ])
  return [opening, ...changes.flat()]
}
