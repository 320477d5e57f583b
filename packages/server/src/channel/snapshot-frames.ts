// A snapshot's rows as frames of a bounded size: those that the group sees, without the fields that it does not.
import { type AnyWhere, matchesWhere, type Position } from '@dnr/protocol'
import { frameOf } from '../connection/frame.ts'
import type { MaybePromise } from '../policy/maybe-promise.ts'
import type { ChangeHistory } from '../ports/change-history.ts'
import type { EntityStore, SnapshotChunk } from '../ports/entity-store.ts'
import type { Frame } from '../ports/server-socket.ts'
import { groupSees, isOverlooked } from './doubt.ts'
import type { KnownEntity } from './entities.ts'
import type { MovedRows } from './row-moves.ts'
import { beginReading, dropReading, endReading, missRead, type Reading, showRead } from './rows-ahead.ts'
import { completeRows } from './shown-rows.ts'
import type { Group } from './subscription.ts'

/** Rows read at once. */
const CHUNK_ROWS = 500
/** Characters of rows read at once: who stops reading has no more of them waiting here. */
const CHUNK_CHARACTERS = 131_072
/** Characters of rows after which a frame is full. */
const FRAME_CHARACTERS = 65_536

/** An entity whose rows are stored. */
export type StoredEntity = KnownEntity & { readonly store: EntityStore }

/** A part of a snapshot: rows encoded, and whether another part follows. */
export interface SnapshotPart {
  readonly rows: string
  readonly more: boolean
  /** What the whole snapshot is replayed from. */
  readonly position: Position
  /** Of its rows, for what their reader has. */
  readonly ids: readonly string[]
  /** How often rights had changed when the rows were judged. */
  readonly changes: number
  /** With the last part, when rows were read later than at `position`: where the log ended then. */
  readonly readTo: Position | null
}

/** What tells how far the log is ahead of what has been delivered. */
export interface ReadingContext {
  readonly history: ChangeHistory | null
  /** Everything up to here has been delivered to live subscriptions. */
  position(): Position | null
}

/** Nobody has been told of more. */
export function endOfLog({ history, position }: ReadingContext): MaybePromise<Position | null> {
  return history === null ? position() : history.head()
}

/** Rows of the group have been read: it is noted up to where others may not have been told of them yet. */
export async function finishReading(
  group: Group,
  reading: Reading,
  { history, position }: ReadingContext,
): Promise<void> {
  const { shown, channel } = group
  if (shown === null || (reading.ids.size === 0 && reading.missed.size === 0)) return
  // Without a log nobody is behind it.
  if (history === null) return void shown.ahead?.delete(reading)
  try {
    const head = await history.head()
    endReading(shown, reading, head, channel.held?.toldTo ?? position(), group.doubt)
  } catch (error) {
    dropReading(shown, reading)
    throw error
  }
}

/** For whom a snapshot is read: rights may change while it is. */
export interface SnapshotReader {
  /** Calls `use` with the group by the rights of today; says how often these have changed, or `null`: nobody reads any more. */
  judge<Result extends object>(
    use: (group: Group) => Result,
  ): Promise<(Result & { readonly changes: number }) | null>
  /** Is what was judged then still true, by the rights of today? */
  isTrue(part: { readonly changes: number }): boolean
}

/** A part during which rights change is judged anew so often; then it is given as it is, and not true. */
const MAX_PASSES = 3

/**
 * Reads a group's rows in parts; the last has `more: false`, and there is always one. Rows are judged part by part, as late as can
 * be: by the rights there are when the part is asked for.
 */
export async function* readSnapshot(
  first: Group,
  { judge, isTrue }: SnapshotReader,
  entity: StoredEntity,
  context: ReadingContext,
): AsyncGenerator<SnapshotPart, void, undefined> {
  const age = first.shown?.age
  let isFirst = true
  for await (const chunk of storedRows(first, entity)) {
    for (let from = 0, passes = 0; ;) {
      const reading = beginReading()
      const part = await judge((group) => ({
        group,
        ...encodePart(group, chunk, from, entity.codec, reading),
      }))
      if (part === null) return
      await finishReading(part.group, reading, context)
      const more = chunk.more || part.end < chunk.rows.length
      const readTo = isFirst || more || context.history === null ? null : await context.history.head()
      if (!isTrue(part) && ++passes < MAX_PASSES) continue
      from = part.end
      passes = 0
      yield { ...part, position: chunk.position, more, readTo }
      if (from >= chunk.rows.length) break
    }
    isFirst = false
  }
  // Rights that have changed began anew what is known of the group.
  const { shown } = first
  if (shown === null || shown.isComplete) return
  const end = await endOfLog(context)
  if (shown.age === age) completeRows(shown, end)
}

/** Rows as they were when they were read, and which of them the log has told of until they are looked at. */
export interface StoredRows extends SnapshotChunk {
  readonly moved: MovedRows
}

/** The rows that a group asks for, whether or not it may see them, in short reads. */
export async function* storedRows(
  group: Group,
  { store, moves }: StoredEntity,
): AsyncGenerator<StoredRows, void, undefined> {
  const sizes = { chunkRows: CHUNK_ROWS, chunkCharacters: CHUNK_CHARACTERS }
  // From before the read on: it may be long ago when its rows arrive, and longer when a slow reader is ready for them.
  let moved = moves.begin()
  try {
    for await (const chunk of store.snapshotChunks({ where: whereOf(group) }, sizes)) {
      yield { ...chunk, moved }
      moved.end()
      moved = moves.begin()
    }
  } finally {
    moved.end()
  }
}

/** As many of the rows from `from` on as fit into a frame: what the group sees of them. */
function encodePart(
  group: Group,
  { rows, moved }: StoredRows,
  from: number,
  codec: KnownEntity['codec'],
  reading: Reading,
): { readonly rows: string; readonly ids: readonly string[]; readonly end: number } {
  const ids: string[] = []
  let text = ''
  let end = from
  for (; end < rows.length && text.length < FRAME_CHARACTERS; end++) {
    const row = rows[end]
    const wire = codec.encode(row)
    // The same two questions that are asked of every live event, so that both show the same rows.
    if (group.where !== null && !matchesWhere(wire, group.where)) continue
    if (group.grant === null) continue
    if (!groupSees(group, wire.id, row)) {
      if (group.shown !== null) missRead(group.shown, reading, wire.id, moved)
      continue
    }
    if (isOverlooked(group, wire.id, moved)) continue
    if (group.shown !== null) showRead(group.shown, reading, wire.id, moved)
    ids.push(wire.id)
    const own = JSON.stringify(group.grant.redact(wire))
    text = text === '' ? own : `${text},${own}`
  }
  return { rows: text, ids, end }
}

function whereOf(group: Group): AnyWhere {
  const { channel } = group.channel
  return channel.kind === 'record' ? { ...group.where, id: channel.id } : (group.where ?? {})
}

/** A further part as a `snapshot` frame; with the last `grant`, when rights have changed since the first, for a client that asked for them. */
export function snapshotFrame(
  group: Group,
  { rows, more, readTo }: Pick<SnapshotPart, 'rows' | 'more' | 'readTo'>,
  grant: string | null,
  now: number,
): Frame {
  const end =
    (readTo === null ? '' : `,"readTo":${JSON.stringify(readTo)}`) +
    (grant === null ? '' : `,"grant":${JSON.stringify(grant)}`)
  return frameOf(
    `{"type":"snapshot",${addressText(group)}"payload":{"rows":[${rows}],"more":${more}${end}},"timestamp":${now}}`,
  )
}

/** `subscribed`; with the first part when it begins a snapshot. */
export function subscribedFrame(
  group: Group,
  answer: {
    position: Position | null
    recovered: boolean
    part: SnapshotPart | null
    /** Today's rights, for a client that asked which they are. */
    grant: string | null
    requestId: string | undefined
  },
  now: number,
): Frame {
  const { position, recovered, part, grant, requestId } = answer
  const isEntity = group.grant !== null
  const payload =
    (isEntity && position !== null ? `"position":${JSON.stringify(position)},` : '') +
    (isEntity ? `"recovered":${recovered}` : '') +
    (isEntity && grant !== null ? `,"grant":${JSON.stringify(grant)}` : '') +
    (part === null ? '' : `,"snapshot":{"rows":[${part.rows}],"more":${part.more}}`)
  const request = requestId === undefined ? '' : `"requestId":${JSON.stringify(requestId)},`
  return frameOf(
    `{"type":"subscribed",${addressText(group)}"payload":{${payload}},${request}"timestamp":${now}}`,
  )
}

function addressText({ channel, subscription }: Group): string {
  return (
    `"channel":${JSON.stringify(channel.name)},` +
    (subscription === undefined ? '' : `"subscription":${JSON.stringify(subscription)},`)
  )
}
