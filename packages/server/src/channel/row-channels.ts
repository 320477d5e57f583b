import type { Change } from '@dnr/protocol'
import type { ChannelEntry } from './subscription.ts'

/**
 * Channels by the rows that are told on them. Found by entity and id as a change names them: putting the channel's name
 * together, only to look it up, takes longer than all else that is asked about a change that few hear.
 */
export interface RowChannels {
  /** Channels that are not about rows are ignored. */
  add(entry: ChannelEntry): void
  remove(entry: ChannelEntry): void
  /** Where a change is heard: on the channel of its entity, and on that of its row. */
  of(change: Pick<Change, 'entity' | 'id'>): ChannelEntry[]
}

/** The channels of one entity. */
interface OwnChannels {
  ofAll: ChannelEntry | undefined
  readonly byId: Map<string, ChannelEntry>
}

export function createRowChannels(): RowChannels {
  const ownByEntity = new Map<string, OwnChannels>()

  const ownOf = (entity: string): OwnChannels => {
    const known = ownByEntity.get(entity)
    if (known !== undefined) return known
    const own: OwnChannels = { ofAll: undefined, byId: new Map() }
    ownByEntity.set(entity, own)
    return own
  }

  return {
    add(entry) {
      const { channel } = entry
      if (channel.kind === 'entity') ownOf(channel.entity).ofAll = entry
      else if (channel.kind === 'record') ownOf(channel.entity).byId.set(channel.id, entry)
    },
    remove({ channel }) {
      if (channel.kind === 'entity') ownOf(channel.entity).ofAll = undefined
      else if (channel.kind === 'record') ownOf(channel.entity).byId.delete(channel.id)
    },
    of({ entity, id }) {
      const own = ownByEntity.get(entity)
      if (own === undefined) return []
      const ofRow = own.byId.get(id)
      if (own.ofAll === undefined) return ofRow === undefined ? [] : [ofRow]
      return ofRow === undefined ? [own.ofAll] : [own.ofAll, ofRow]
    },
  }
}
