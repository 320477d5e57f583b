// What those who come back are sent of the log. Members of a channel share what was read of it, members of a group the
// frames made of it. Holds nothing: it hangs on channel and group. Next: replay.ts.
import { type Clock, formatPosition, type Position } from '@dnr/protocol'
import type { MaybePromise } from '../policy/maybe-promise.ts'
import type { ChangeHistory, HistoryPage } from '../ports/change-history.ts'
import { type BlockReplay, replayBlock, replayFrom } from './block-replay.ts'
import { type ChangeView, viewChange } from './change-view.ts'
import { entityOf, type KnownEntity } from './entities.ts'
import { inRuns } from './frame-runs.ts'
import { type GoneRows, NONE_GONE } from './gone-rows.ts'
import { BLOCK_CHANGES, blockAfter, createLogBlocks, type LogBlock } from './log-blocks.ts'
import {
  differsFromShown,
  framesByTransaction,
  replayEvents,
  type ReplayOptions,
  type ReplayPage,
  tailOf,
} from './replay-page.ts'
import type { ChannelEntry, Group } from './subscription.ts'
import { pause } from './turns.ts'
import { type Looks, visibleNow } from './visible-rows.ts'

/** What a group has read for its members; dropped when none of them reads any more. */
export interface GroupReading {
  /** By where they begin, true until the group hears of something; the last used at the end. Under way, or read. */
  readonly pages: Map<string, MaybePromise<ReplayPage>>
  /** Blocks that somebody began to read somewhere within, true as long; made when a second one does. */
  readonly blocks: Map<LogBlock, Promise<BlockReplay | null> | null>
  readonly looks: Looks
}

/** What a page is made for. The reading is the one of when it was asked for: rights that change begin another. */
interface Reader {
  readonly group: Group
  readonly reading: GroupReading
  readonly known: KnownEntity
}

/** Pages, and blocks, that a group keeps for others who read the same. */
const MAX_SHARED = 8
/** Changes that are read and decoded before others have their turn. */
const SLICE_CHANGES = 128
/** Characters of images after which a slice, and with it the block, ends. */
const SLICE_CHARACTERS = 131_072
/** A store that gives less than this of what it was asked for, though there is more, has its reasons. */
const MIN_SLICE_SHARE = 0.75

export interface HistoryReader {
  /** Is a position on this history, and does the log still reach back to it? */
  holds(group: Group, position: Position): Promise<boolean>
  /**
   * What `group` is sent of the changes after a position; at once when it is at hand. `isAhead`: the reader may have rows that are
   * newer. `gone`: what it does not have though it was visible there; a page that tells nothing of their end is made for it alone.
   */
  page(group: Group, after: Position, isAhead: boolean, gone?: GoneRows): MaybePromise<ReplayPage>
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
  /** Counts the blocks that have been read. */
  let reads = 0

  const read = async (
    { channel }: ChannelEntry,
    known: KnownEntity,
    after: Position,
    limit: number,
  ): Promise<HistoryPage | null> => {
    if (history === null) return null
    const one = channel.kind === 'record' ? { id: channel.id } : {}
    return history.read({ after, entity: known.entity.name, ...one, limit, maxCharacters: SLICE_CHARACTERS })
  }

  const readBlock = async (
    entry: ChannelEntry,
    known: KnownEntity,
    after: Position,
    step: number,
  ): Promise<LogBlock | null> => {
    const views: ChangeView[] = []
    const now = clock.now()
    // Where blocks are short, so that little is read beyond their ends.
    let limit = Math.min(SLICE_CHANGES, step * 2)
    for (let from = after; ;) {
      const page = await read(entry, known, from, limit)
      if (page?.holds !== true) return null
      const { changes, position, more, isCut = false } = page
      views.push(...changes.map((change) => viewChange(change, known.codec, now)))
      if (!more || changes.length < limit * MIN_SLICE_SHARE || views.length >= BLOCK_CHANGES)
        return { after, views, position, more, isCut, readAt: ++reads }
      from = position
      limit = Math.min(SLICE_CHANGES, limit * 2)
      await pause(clock, 0)
    }
  }

  const readPage = async (
    group: Group,
    reading: GroupReading,
    after: Position,
    isAhead: boolean,
    gone: GoneRows = NONE_GONE,
  ): Promise<ReplayPage> => {
    const known = entityOf(group, entities)
    if (known === undefined) return { holds: false }
    const blocks = (group.channel.blocks ??= createLogBlocks())
    const found = await blockAfter(blocks, after, (from) =>
      readBlock(group.channel, known, from, blocks.step),
    )
    if (found === null) return { holds: false }
    const { block, from } = found
    const { more, position } = block
    // The same for who is ahead: a block with a row that is hidden by now, which alone makes a difference, is not shared.
    // Whoever begins within a transaction, or ends within one, needs to know how it goes on.
    const isShared = from > 0 && gone.size === 0 && !block.isCut && !isWithinTransaction(block, from)
    const whole = isShared ? await sharedBlock({ group, reading, known }, block) : null
    if (whole !== null)
      return {
        holds: true,
        ...replayFrom(whole, from),
        position,
        more,
        isCut: false,
        opensWith: null,
        tail: null,
        gone: NONE_GONE,
        readAt: block.readAt,
        madeAt: reads,
      }
    const views = block.views.slice(from)
    const seesNow = await seesNowOf({ group, reading, known }, views, block)
    const { events, gone: later } = replayEvents(group, views, { seesNow, isAhead, gone })
    const { isCut } = block
    const tail = isCut ? tailOf(group, events, views.at(-1)?.change.transaction) : null
    const frames = framesByTransaction(group, events)
    // The same transaction goes on: its last event here need not be the last of it.
    if (tail !== null) frames.pop()
    const opensWith = events[0]?.view.change.transaction ?? null
    const runs = inRuns(frames, maxRunBytes)
    const { readAt } = block
    const isApart = differsFromShown(group, views)
    const told = { runs, position, more, isCut, opensWith, tail, events, isApart, gone: later }
    return { holds: true, ...told, readAt, madeAt: reads }
  }

  /** Which rows are still visible: later changes may have taken away what a page leaves visible. */
  const seesNowOf = async (
    { group, reading, known }: Reader,
    views: readonly ChangeView[],
    { more, readAt }: LogBlock,
  ): Promise<ReplayOptions['seesNow']> => {
    if (!more) return () => true
    const shown = views.filter((view) => view.seesAfter(group)).map(({ change }) => change.id)
    return visibleNow(group, reading.looks, shown, known, { since: readAt, now: reads })
  }

  /** The whole block, where it pays: from the second reader on who begins within it. */
  const sharedBlock = (reader: Reader, block: LogBlock): Promise<BlockReplay | null> | null => {
    const { blocks } = reader.reading
    const shared = blocks.get(block)
    if (shared === undefined) {
      keepLatest(blocks, block, null)
      return null
    }
    const replay = shared ?? wholeBlock(reader, block)
    keepLatest(blocks, block, replay)
    replay.catch(() => void (blocks.get(block) === replay && blocks.delete(block)))
    return replay
  }

  const wholeBlock = async (reader: Reader, block: LogBlock): Promise<BlockReplay | null> => {
    const { views } = block
    const seesNow = await seesNowOf(reader, views, block)
    return replayBlock(reader.group, views, { seesNow, isAhead: false, gone: NONE_GONE, maxRunBytes })
  }

  return {
    async holds(group, position) {
      const known = entityOf(group, entities)
      return known !== undefined && (await read(group.channel, known, position, 1))?.holds === true
    },
    page(group, after, isAhead, gone) {
      const reading = (group.reading ??= { pages: new Map(), blocks: new Map(), looks: new Map() })
      if (gone !== undefined) return readPage(group, reading, after, isAhead, gone)
      const { pages } = reading
      const key = `${isAhead ? 's' : 'r'}${formatPosition(after)}`
      const page = pages.get(key) ?? begin(pages, key, readPage(group, reading, after, isAhead))
      // Everybody passes the ends of the blocks, and few the same place within one: the last used stay.
      keepLatest(pages, key, page)
      return page
    },
  }
}

/** Does the change in this place belong to the same transaction as the one before it? */
function isWithinTransaction({ views }: LogBlock, place: number): boolean {
  return views[place - 1]?.change.transaction === views[place]?.change.transaction
}

/** Keeps what comes of `reading`. A failure is for those who wait for it; whoever comes next tries again. */
function begin<Key, Value>(
  kept: Map<Key, MaybePromise<Value>>,
  key: Key,
  reading: Promise<Value>,
): Promise<Value> {
  const isKept = (): boolean => kept.get(key) === reading
  reading.then(
    (value) => void (isKept() && kept.set(key, value)),
    () => void (isKept() && kept.delete(key)),
  )
  return reading
}

function keepLatest<Key, Value>(kept: Map<Key, Value>, key: Key, value: Value): void {
  kept.delete(key)
  kept.set(key, value)
  if (kept.size <= MAX_SHARED) return
  const [oldest] = kept.keys()
  if (oldest !== undefined) kept.delete(oldest)
}

/** A group has heard of a row, which is no longer what it was. */
export function forgetHeard({ reading }: Group, id: string): void {
  if (reading === null) return
  reading.pages.clear()
  reading.blocks.clear()
  reading.looks.delete(id)
}
