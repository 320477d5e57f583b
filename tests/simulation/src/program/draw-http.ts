// Requests over HTTP, and writes of many rows at once.
import type { AnyWhere } from '@dnr/protocol'
import { TEAMS } from '../entities.ts'
import type { Action, BulkWrite } from './operation.ts'
import { anEntity, anId, fieldsOf, patchOf, type Setting } from './setting.ts'

export function drawRequest(setting: Setting): Action {
  const { draw } = setting
  const client = draw.whole(0, setting.clients - 1)
  const entity = anEntity(setting)
  const id = anId(setting, entity)
  const condition = draw.chance(0.4) ? { ifVersion: draw.whole(1, 4) } : {}
  const kind = draw.random()
  const request = { client, do: 'http', entity } as const
  if (kind < 0.35) return { ...request, method: 'GET', ...aListQuery(setting) }
  if (kind < 0.6) return { ...request, method: 'GET', id }
  if (kind < 0.8) return { ...request, method: 'PATCH', id, fields: patchOf(setting, entity), ...condition }
  if (kind < 0.9) return { ...request, method: 'POST', fields: { id, ...fieldsOf(setting, entity) } }
  return { ...request, method: 'DELETE', id, ...condition }
}

function aListQuery({ draw }: Setting): { readonly query?: Record<string, string> } {
  if (draw.chance(0.4)) return {}
  const where = draw.one<AnyWhere>([{}, { team: draw.one(TEAMS) }])
  return { query: { where: JSON.stringify(where), limit: String(draw.whole(1, 4)) } }
}

export function drawBulk(setting: Setting): Action {
  return { do: 'bulk', bulk: aBulkWrite(setting) }
}

function aBulkWrite(setting: Setting): BulkWrite {
  const { draw } = setting
  const entity = anEntity(setting)
  const where: AnyWhere = { team: draw.one(TEAMS), ...(entity === 'Task' ? { rank: draw.whole(0, 4) } : {}) }
  const kind = draw.random()
  if (kind < 0.5) {
    const ids = new Set(Array.from({ length: draw.whole(1, 3) }, () => anId(setting, entity)))
    return {
      operation: 'createMany',
      entity,
      rows: [...ids].map((id) => ({ id, ...fieldsOf(setting, entity) })),
    }
  }
  if (kind < 0.8) return { operation: 'updateMany', entity, where, fields: { team: draw.one(TEAMS) } }
  return { operation: 'deleteMany', entity, where }
}
