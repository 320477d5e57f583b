import { type AnyEntity, createRowCodec, type RowCodec } from '@dnr/protocol'
import type { Policies } from '../policy/policies.ts'
import type { EntityStore } from '../ports/entity-store.ts'

/** An entity that the server knows: by a store, by a policy, or both. */
export interface KnownEntity {
  readonly entity: AnyEntity
  readonly codec: RowCodec
  /** `null`: events alone, without stored rows. */
  readonly store: EntityStore | null
}

/** Every entity of the stores and of the policies, by name. */
export function knownEntities(
  stores: readonly EntityStore[],
  policies: Pick<Policies, 'allowancesByEntity'>,
): ReadonlyMap<string, KnownEntity> {
  const known = new Map<string, KnownEntity>()
  for (const { entity } of policies.allowancesByEntity.values()) {
    known.set(entity.name, { entity, codec: createRowCodec(entity), store: null })
  }
  for (const store of stores) {
    known.set(store.entity.name, { entity: store.entity, codec: createRowCodec(store.entity), store })
  }
  return known
}
