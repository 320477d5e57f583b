import type { ServerWrite } from './operation.ts'
import { anId, fieldsOf, patchOf, type Setting } from './setting.ts'

/** A write of one row. */
export function drawWrite(setting: Setting): ServerWrite {
  const { draw } = setting
  const entity = draw.chance(0.7) ? 'Task' : 'Note'
  const operation = draw.one(['create', 'create', 'update', 'update', 'update', 'delete'] as const)
  const fields =
    operation === 'create'
      ? fieldsOf(setting, entity)
      : operation === 'update'
        ? patchOf(setting, entity)
        : {}
  return { operation, entity, id: anId(setting, entity), fields }
}
