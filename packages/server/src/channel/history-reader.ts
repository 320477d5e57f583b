// What those who come back are sent of the log. Members of a channel share what was read of it, members of a group the
// frames made of it. Holds nothing: it hangs on channel and group. Next: open-subscription.ts.
import { type Clock, formatPosition, type Position } from '@dnr/protocol'
import type { ChangeHistory } from '../ports/change-history.ts'
import { viewChange } from './change-view.ts'
import type { KnownEntity } from './entities.ts'
import { inRuns } from './frame-runs.ts'
import { BLOCK_CHANGES, blockAfter, createLogBlocks, type LogBlock, markGrown } from './log-blocks.ts'
import { type ReplayPage, replayFrames } from './replay-page.ts'
import type { ChannelEntry, Group } from './subscription.ts'
import { type Looks, visibleNow } from './visible-rows.ts'

/** What a group has read for its members; dropped when none of them reads any more. */
export interface GroupReading {
  /** By where they begin, true until the group hears of something; the last used at the end. */
  readonly pages: Map<string, Promise<ReplayPage>>
  readonly looks: Looks
}

/** Pages that a group keeps for others who read the same. */
const SHARED_PAGES = 8

export interface HistoryReader {
  /** What `group` is sent of the changes after a position. `afterSnapshot`: after a snapshot, not after a lost connection. */
  page(group: Group, after: Position, afterSnapshot: boolean): Promise<ReplayPage>
}

export interface HistoryReaderOptions {
  readonly history: ChangeHistory | null
  readonly entities: ReadonlyMap<string, KnownEntity>
  readonly clock: Clock
  /** Bytes of a run of frames at most. */
  readonly maxRunBytes: number
}

export function createHistoryReader(options: HistoryReaderOptions): HistoryReader {
  const { history, entities, clock, maxRunBytes } = options

  const readBlock = async (
    { channel }: ChannelEntry,
    known: KnownEntity,
    after: Position,
  ): Promise<LogBlock | null> => {
    if (history === null) return null
    const one = channel.kind === 'record' ? { id: channel.id } : {}
    const page = await history.read({ after, entity: known.entity.name, ...one, limit: BLOCK_CHANGES })
    if (!page.holds) return null
    const now = clock.now()
    const views = page.changes.map((change) => viewChange(change, known.codec, now))
    return { after, views, position: page.position, more: page.more }
  }

  const readPage = async (
    group: Group,
    looks: Looks,
    after: Position,
    afterSnapshot: boolean,
  ): Promise<ReplayPage> => {
    const known = entityOf(group, entities)
    if (known === undefined) return { holds: false }
    const blocks = (group.channel.blocks ??= createLogBlocks())
    const found = await blockAfter(blocks, after, (from) => readBlock(group.channel, known, from))
    if (found === null) return { holds: false }
    const { block, views } = found
    const { more, position } = block
    const shown = more ? views.filter((view) => view.seesAfter(group)).map(({ change }) => change.id) : []
    // Later changes may have taken away what this page leaves visible.
    const seesNow = more ? await visibleNow(group, looks, shown, known) : () => true
    const frames = replayFrames(group, views, { seesNow, afterSnapshot })
    return { holds: true, runs: inRuns(frames, maxRunBytes), position, more }
  }

  return {
    page(group, after, afterSnapshot) {
      const { pages, looks } = (group.reading ??= { pages: new Map(), looks: new Map() })
      const key = `${afterSnapshot ? 's' : 'r'}${formatPosition(after)}`
      const page = pages.get(key) ?? readPage(group, looks, after, afterSnapshot)
      // Everybody passes the ends of the blocks, and few the same place within one: the last used stay.
      pages.delete(key)
      pages.set(key, page)
      const [oldest] = pages.keys()
      if (pages.size > SHARED_PAGES && oldest !== undefined) pages.delete(oldest)
      // A failure is for those who wait for it; whoever comes next tries again.
      page.catch(() => void (pages.get(key) === page && pages.delete(key)))
      return page
    },
  }
}

function entityOf(
  { channel: { channel } }: Group,
  entities: ReadonlyMap<string, KnownEntity>,
): KnownEntity | undefined {
  return channel.kind === 'entity' || channel.kind === 'record' ? entities.get(channel.entity) : undefined
}

/** A group has heard of a row: what was read before may not be all, and the row not what it was. */
export function forgetHeard({ reading, channel }: Group, id: string): void {
  if (channel.blocks !== null) markGrown(channel.blocks)
  if (reading === null) return
  reading.pages.clear()
  reading.looks.delete(id)
}
