// Which rights each principal has had, in the order in which they had them. Holds no rows.
import type { Rights, RightsPort } from './rights.ts'

/** Rights over time. A `since` is a moment that {@link HeldRights.now} gave. */
export interface HeldRights {
  now(): number
  /** Notes the rights of now, so that they are known when they have changed. */
  note(principal: string, entity: string): void
  /** The rights that a principal has had from a moment on, the latest last; those of that moment are among them. */
  heldSince(since: number, principal: string, entity: string): readonly (Rights | null)[]
  /** They may have changed: asks again for everybody. */
  changed(): void
  /** The server cannot always find out what they are. */
  failed(): void
  /** Has that been said? Then rows may be missing for a while. */
  readonly haveFailed: boolean
}

interface Held {
  readonly rights: Rights | null
  readonly from: number
}

export function createHeldRights(port: Pick<RightsPort, 'rightsOf'>): HeldRights {
  const timelines = new Map<string, { principal: string; entity: string; held: Held[] }>()
  let moment = 0
  let haveFailed = false

  const timelineOf = (principal: string, entity: string): Held[] => {
    const key = JSON.stringify([principal, entity])
    const known = timelines.get(key)
    if (known !== undefined) return known.held
    const held = [{ rights: port.rightsOf(principal, entity), from: 0 }]
    timelines.set(key, { principal, entity, held })
    return held
  }

  return {
    now: () => moment,
    note: (principal, entity) => void timelineOf(principal, entity),
    heldSince(since, principal, entity) {
      const held = timelineOf(principal, entity)
      return held
        .filter((_, index) => (held[index + 1]?.from ?? Infinity) > since)
        .map(({ rights }) => rights)
    },
    get haveFailed() {
      return haveFailed
    },
    failed() {
      haveFailed = true
    },
    changed() {
      moment++
      for (const { principal, entity, held } of timelines.values()) {
        const rights = port.rightsOf(principal, entity)
        if (held.at(-1)?.rights?.key !== rights?.key) held.push({ rights, from: moment })
      }
    },
  }
}
