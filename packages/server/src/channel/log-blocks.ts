// Stretches of the log that those who come back read: decoded and encoded once for a channel, wherever in them somebody
// begins. What stands in the log does not change, so they stay true; they are kept while somebody reads. Next: history-reader.ts.
import {
  floorPosition,
  formatPosition,
  hasReached,
  isSamePosition,
  liesBetween,
  type Position,
} from '@dnr/protocol'
import type { ChangeView } from './change-view.ts'

/** The changes of a channel after one position and up to another. */
export interface LogBlock {
  readonly after: Position
  readonly views: readonly ChangeView[]
  /** Everything up to here is in it. */
  readonly position: Position
  /** Did the log go on, or has the channel heard something since? */
  more: boolean
  /** Does the last of its transactions go on beyond it? */
  readonly isCut: boolean
  /** When it had been read, as its reader counts. */
  readonly readAt: number
}

/** What is kept for a channel. */
export interface LogBlocks {
  /** The last used at the end. */
  kept: LogBlock[]
  readonly reading: Map<string, Promise<LogBlock | null>>
  /** A power of two: how many changes a block has at least, where rows are as large as those of the last one. */
  step: number
  /** Counts what the channel has heard: what was read before is not the end any more. */
  growths: number
}

/** Reads a block from the log; `null`: the position does not hold. */
export type ReadBlock = (after: Position) => Promise<LogBlock | null>

/** Changes that are read at once, where rows are not large. */
export const BLOCK_CHANGES = 512
const MAX_KEPT = 8
const MIN_KEPT_CHANGES = 64

export function createLogBlocks(): LogBlocks {
  return { kept: [], reading: new Map(), step: BLOCK_CHANGES, growths: 0 }
}

/** The block that tells what comes after a position, and the place in it where that begins; `null`: the position does not hold. */
export async function blockAfter(
  blocks: LogBlocks,
  after: Position,
  read: ReadBlock,
): Promise<{ readonly block: LogBlock; readonly from: number } | null> {
  const block = keptBlock(blocks, after) ?? (await readAround(blocks, after, read))
  return block === null ? null : { block, from: firstAfter(block, after) }
}

/** Whatever it means to the groups that there are: one that comes later reads what was read of the channel. */
export function markChannelGrown({ blocks }: { readonly blocks: LogBlocks | null }): void {
  if (blocks !== null) markGrown(blocks)
}

/** What was the end of the log is so no longer. */
export function markGrown(blocks: LogBlocks): void {
  blocks.growths++
  blocks.reading.clear()
  for (const block of blocks.kept) block.more = true
}

function keptBlock(blocks: LogBlocks, after: Position): LogBlock | undefined {
  const block = blocks.kept.findLast((each) => covers(each, after))
  if (block !== undefined && blocks.kept.at(-1) !== block) {
    blocks.kept = blocks.kept.filter((each) => each !== block)
    blocks.kept.push(block)
  }
  return block
}

/** Does the block tell what comes after the position, and does the position hold? */
function covers(block: LogBlock, after: Position): boolean {
  if (!hasReached(after, block.after) || hasReached(after, block.position)) return false
  const next = firstAfter(block, after)
  const before = next === 0 ? block.after : (block.views[next - 1] as ChangeView).change.position
  return liesBetween(after, before, block.views[next]?.change.position ?? block.position)
}

/** The first change that is after the position. */
function firstAfter({ views }: LogBlock, after: Position): number {
  let low = 0
  let high = views.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (hasReached(after, (views[middle] as ChangeView).change.position)) low = middle + 1
    else high = middle
  }
  return low
}

/** Reads from a place that others near by will read from too, unless the position is where a block ended. */
async function readAround(blocks: LogBlocks, after: Position, read: ReadBlock): Promise<LogBlock | null> {
  if (blocks.kept.some(({ position }) => isSamePosition(position, after)))
    return readOnce(blocks, after, read)
  // A block that ends too early tells how near the place has to be.
  for (let step = Number.POSITIVE_INFINITY; blocks.step < step;) {
    step = blocks.step
    const block = await readOnce(blocks, floorPosition(after, step), read)
    if (block !== null && covers(block, after)) return block
  }
  return readOnce(blocks, after, read)
}

function readOnce(blocks: LogBlocks, after: Position, read: ReadBlock): Promise<LogBlock | null> {
  const key = formatPosition(after)
  const known = blocks.reading.get(key)
  if (known !== undefined) return known
  const { growths } = blocks
  const reading = read(after)
    .then((block) => {
      // Who waits for it has collected what the channel has heard since; who comes next has not.
      if (block === null) return null
      if (block.more) blocks.step = stepOf(block)
      // A few changes are read again: the end of a log that grows would fill the shelf with scraps.
      if (block.more || block.views.length >= MIN_KEPT_CHANGES)
        keep(blocks, blocks.growths === growths ? block : { ...block, more: true })
      return block
    })
    .finally(() => void (blocks.reading.get(key) === reading && blocks.reading.delete(key)))
  blocks.reading.set(key, reading)
  return reading
}

function keep(blocks: LogBlocks, block: LogBlock): void {
  blocks.kept.push(block)
  if (blocks.kept.length > MAX_KEPT) blocks.kept.shift()
}

function stepOf({ views }: LogBlock): number {
  return views.length === 0 ? 1 : Math.min(BLOCK_CHANGES, 2 ** Math.floor(Math.log2(views.length)))
}
