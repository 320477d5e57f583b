// Looks for texts in everything that is sent. A marker stands in one field of one row (or is its id), so that finding it in a
// frame says what the frame tells, wherever in it that is. Holds where each marker has ever stood.
import type { Change, WireRow } from '@dnr/protocol'
import type { HeldRights } from './held-rights.ts'

export interface LeakChecker {
  committed(changes: readonly Change[]): void
  /** For one connection. */
  watch(principal: string): LeakWatch
}

/** What one connection may be told. */
export interface LeakWatch {
  /** What the client has said may be repeated to it in answers. */
  said(text: string): void
  /** The first marker in a frame of what its principal may not read at this moment; `null`: there is none. */
  findLeak(frame: SentFrame, text: string): string | null
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

/** `marker`: a global pattern of texts that are each written into one field of one row. */
export function createLeakChecker(marker: RegExp, rights: HeldRights): LeakChecker {
  const places = new Map<string, Place[]>()
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

  return {
    committed(changes) {
      for (const { entity, after } of changes) if (after !== null) note(entity, after)
    },
    watch(principal) {
      const spoken = new Set<string>()
      const isReadable = (text: string): boolean =>
        places.get(text)?.some((place) => mayRead(principal, place)) === true
      return {
        said(text) {
          for (const each of markersIn(text)) spoken.add(each)
        },
        findLeak(frame, text) {
          const rows = rowsOf(frame)
          const inRows = rows === undefined ? [] : markersIn(JSON.stringify(rows))
          const isRow = (each: string): boolean => inRows.includes(each)
          return (
            markersIn(text).find((each) => !isReadable(each) && (isRow(each) || !spoken.has(each))) ?? null
          )
        },
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
