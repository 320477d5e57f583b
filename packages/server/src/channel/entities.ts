import { type AnyEntity, createRowCodec, type RowCodec } from '@dnr/protocol'
import type { Policies } from '../policy/policies.ts'
import type { EntityStore } from '../ports/entity-store.ts'
import { createRowMoves, type RowMoves } from './row-moves.ts'
import { createRowNumbers, type RowNumbers } from './row-numbers.ts'
import { type Group, isAboutRows } from './subscription.ts'

/** An entity that the server knows: by a store, by a policy, or both. */
export interface KnownEntity {
  readonly entity: AnyEntity
  readonly codec: RowCodec
  /** `null`: events alone, without stored rows. */
  readonly store: EntityStore | null
  readonly numbers: RowNumbers
  readonly moves: RowMoves
}

/** What a group has rows of; `undefined` where there are none, or nobody knows them. */
export function entityOf(
  { channel: { channel } }: Group,
  entities: ReadonlyMap<string, KnownEntity>,
): KnownEntity | undefined {
  return isAboutRows(channel) ? entities.get(channel.entity) : undefined
}

/** Every entity of the stores and of the policies, by name. */
export function knownEntities(
  stores: readonly EntityStore[],
  policies: Pick<Policies, 'allowancesByEntity'>,
): ReadonlyMap<string, KnownEntity> {
  const known = new Map<string, KnownEntity>()
  const know = (entity: AnyEntity, store: EntityStore | null): void =>
    void known.set(entity.name, {
      entity,
      codec: createRowCodec(entity),
      store,
      numbers: createRowNumbers(),
      moves: createRowMoves(),
    })
  for (const { entity } of policies.allowancesByEntity.values()) know(entity, null)
  for (const store of stores) know(store.entity, store)
  return known
}
