// Looks for texts in everything that is sent. A marker stands in one field of one row (or is its id), or was said on one
// channel, so that finding it in a frame says what the frame tells, wherever in it that is. Holds where each marker has ever stood.
import type { Change, WireRow } from '@dnr/protocol'
import type { Audiences } from './audiences.ts'
import type { HeldRights } from './held-rights.ts'

export interface LeakChecker {
  committed(changes: readonly Change[]): void
  /** Somebody (`null`: the server) has said a text on a channel without rows. */
  said(channel: string, text: string, author: string | null): void
  /** The first marker in a text whose author could not hear the channel since they said it, and so may not have been heard there. */
  findIntruder(channel: string, text: string): string | null
  /** For one connection, or one request. */
  watch(principal: string): LeakWatch
}

/** What one connection may be told. */
export interface LeakWatch {
  /** What the client has said may be repeated to it in answers. */
  said(text: string): void
  /** The first marker in a frame of what its principal may not read at this moment; `null`: there is none. */
  findLeak(frame: SentFrame, text: string): string | null
  /** The same for a text and the part of it that holds rows, which are no echo. */
  findLeakIn(text: string, rows: unknown): string | null
}

/** A frame, as far as it is looked at. */
export interface SentFrame {
  readonly type: string
  readonly payload?: unknown
}

/** A row that had the marker in a field. */
interface Place {
  readonly entity: string
  readonly field: string
  readonly image: WireRow
}

/** A marker that was said. */
interface Word {
  readonly channel: string
  readonly author: string | null
  /** When it was said first. */
  readonly since: number
}

/** `marker`: a global pattern of texts that are each written into one field of one row, or said on one channel. */
export function createLeakChecker(
  marker: RegExp,
  rights: HeldRights,
  audiences: Audiences | null,
): LeakChecker {
  const places = new Map<string, Place[]>()
  const words = new Map<string, Word[]>()
  const markersIn = (text: string): readonly string[] => text.match(marker) ?? []

  const note = (entity: string, image: WireRow): void => {
    for (const [field, value] of Object.entries(image)) {
      if (typeof value !== 'string') continue
      for (const each of markersIn(value)) {
        const known = places.get(each)
        if (known === undefined) places.set(each, [{ entity, field, image }])
        else known.push({ entity, field, image })
      }
    }
  }

  const mayRead = (principal: string, { entity, field, image }: Place): boolean => {
    const held = rights.heldSince(rights.now(), principal, entity).at(-1)
    if (!held?.sees(image)) return false
    return held.fields === undefined || field === 'id' || held.fields.includes(field)
  }

  /** What somebody has said themselves they may read in each of their tabs. */
  const mayHear = (principal: string, { channel, author }: Word): boolean =>
    author === principal || audiences?.hears(principal, channel) === true

  const isIntruder = ({ channel, author, since }: Word): boolean =>
    author !== null && audiences?.couldHear(author, channel, since) === false

  return {
    committed(changes) {
      for (const { entity, after } of changes) if (after !== null) note(entity, after)
    },
    said(channel, text, author) {
      const since = author === null ? 0 : (audiences?.note(author, channel) ?? 0)
      for (const each of markersIn(text)) {
        const known = words.get(each) ?? []
        words.set(each, known)
        const isKnown = known.some((word) => word.channel === channel && word.author === author)
        if (!isKnown) known.push({ channel, author, since })
      }
    },
    findIntruder: (channel, text) =>
      markersIn(text).find((each) => {
        const said = words.get(each)?.filter((word) => word.channel === channel) ?? []
        return said.length > 0 && said.every(isIntruder)
      }) ?? null,
    watch(principal) {
      const spoken = new Set<string>()
      const isReadable = (text: string): boolean =>
        places.get(text)?.some((place) => mayRead(principal, place)) === true ||
        words.get(text)?.some((word) => mayHear(principal, word)) === true
      const findLeakIn = (text: string, rows: unknown): string | null => {
        const inRows = rows === undefined ? [] : markersIn(JSON.stringify(rows))
        const isEcho = (each: string): boolean => !inRows.includes(each) && spoken.has(each)
        return markersIn(text).find((each) => !isReadable(each) && !isEcho(each)) ?? null
      }
      return {
        said(text) {
          for (const each of markersIn(text)) spoken.add(each)
        },
        findLeak: (frame, text) => findLeakIn(text, rowsOf(frame)),
        findLeakIn,
      }
    },
  }
}

/** What stands in a frame of rows: no echo of the client, whatever it has said before. */
function rowsOf({ type, payload }: SentFrame): unknown {
  const parts = payload as
    | { readonly row?: unknown; readonly snapshot?: unknown; readonly details?: unknown }
    | undefined
  if (type === 'mutated') return parts?.row
  if (type === 'subscribed') return parts?.snapshot
  if (type === 'error') return parts?.details
  // By its id alone, and whether that may be named is held against what the subscription was shown.
  if (type === 'entity:deleted') return undefined
  return type === 'snapshot' || type.startsWith('entity:') ? payload : undefined
}
