// A snapshot's rows as frames of a bounded size: those that the group sees, without the fields that it does not.
import { type AnyWhere, matchesWhere, type Position, type RowOf, type AnyEntity } from '@dnr/protocol'
import { frameOf } from '../connection/frame.ts'
import type { ChangeHistory } from '../ports/change-history.ts'
import type { EntityStore, SnapshotChunk } from '../ports/entity-store.ts'
import type { Frame } from '../ports/server-socket.ts'
import { groupSees } from './doubt.ts'
import type { KnownEntity } from './entities.ts'
import { beginReading, dropReading, endReading, type Reading, showRead } from './rows-ahead.ts'
import type { Group } from './subscription.ts'

/** Rows read at once. */
const CHUNK_ROWS = 500
/** Characters of rows in one frame; a single row may be longer. */
const FRAME_CHARACTERS = 65_536

/** A part of a snapshot: rows encoded, and whether another part follows. */
export interface SnapshotPart {
  readonly rows: string
  readonly more: boolean
  /** What the whole snapshot is replayed from. */
  readonly position: Position
  /** With the last part, when rows were read later than at `position`: where the log ended then. */
  readonly readTo: Position | null
}

/** What tells how far the log is ahead of what has been delivered. */
export interface ReadingContext {
  readonly history: ChangeHistory | null
  /** Everything up to here has been delivered to live subscriptions. */
  position(): Position | null
}

/** Rows of the group have been read: it is noted up to where others may not have been told of them yet. */
export async function finishReading(
  { shown }: Group,
  reading: Reading,
  { history, position }: ReadingContext,
): Promise<void> {
  if (shown === null || reading.ids.size === 0) return
  // Without a log nobody is behind it.
  if (history === null) return void shown.ahead?.delete(reading)
  try {
    endReading(shown, reading, await history.head(), position())
  } catch (error) {
    dropReading(shown, reading)
    throw error
  }
}

/** Reads a group's rows in parts; the last has `more: false`, and there is always one. */
export async function* readSnapshot(
  group: Group,
  { codec }: KnownEntity,
  store: EntityStore,
  context: ReadingContext,
): AsyncGenerator<SnapshotPart, void, undefined> {
  let isFirst = true
  for await (const chunk of storedRows(group, store)) {
    const reading = beginReading()
    const texts = chunk.rows.flatMap((row) => rowText(group, row, codec, reading))
    await finishReading(group, reading, context)
    const readTo = isFirst || chunk.more || context.history === null ? null : await context.history.head()
    const parts = inParts(texts)
    for (const [index, rows] of parts.entries()) {
      const more = chunk.more || index < parts.length - 1
      yield { rows, position: chunk.position, more, readTo: more ? null : readTo }
    }
    isFirst = false
  }
  if (group.shown !== null) group.shown.isComplete = true
}

/** The rows that a group asks for, whether or not it may see them, in short reads. */
export function storedRows(group: Group, store: EntityStore): AsyncIterable<SnapshotChunk> {
  return store.snapshotChunks({ where: whereOf(group) }, { chunkRows: CHUNK_ROWS })
}

function rowText(
  group: Group,
  row: RowOf<AnyEntity>,
  codec: KnownEntity['codec'],
  reading: Reading,
): string[] {
  const wire = codec.encode(row)
  // The same two questions that are asked of every live event, so that both show the same rows.
  if (group.where !== null && !matchesWhere(wire, group.where)) return []
  if (group.grant === null || !groupSees(group, wire.id, row)) return []
  if (group.shown !== null) showRead(group.shown, reading, wire.id)
  return [JSON.stringify(group.grant.redact(wire))]
}

function inParts(texts: readonly string[]): string[] {
  const parts: string[] = []
  let part = ''
  for (const text of texts) {
    if (part !== '' && part.length + text.length > FRAME_CHARACTERS) {
      parts.push(part)
      part = ''
    }
    part = part === '' ? text : `${part},${text}`
  }
  return [...parts, part]
}

function whereOf(group: Group): AnyWhere {
  const { channel } = group.channel
  return channel.kind === 'record' ? { ...group.where, id: channel.id } : (group.where ?? {})
}

/** A further part as a `snapshot` frame. */
export function snapshotFrame(group: Group, { rows, more, readTo }: SnapshotPart, now: number): Frame {
  const end = readTo === null ? '' : `,"readTo":${JSON.stringify(readTo)}`
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
