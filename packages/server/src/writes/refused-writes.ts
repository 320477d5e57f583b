// A write whose answer did not come is asked for again, while the first request may still be under way: over a half-open
// connection, as a body that is held back. When the repetition was refused, the first one must not take effect later: its
// author was told no. Holds what was refused, and when the request came that was refused.
import type { Clock } from '@dnr/protocol'

export interface RefusedWrites {
  /** A write was refused that came with this arrival. */
  note(userId: string, mutationId: string, arrival: number): void
  /** It was stored after all. */
  forget(userId: string, mutationId: string): void
  /** Was the same write refused when it came with a later arrival? */
  isOvertaken(userId: string, mutationId: string, arrival: number): boolean
}

/**
 * What carries requests no longer than this: silent connections are closed before (with a `heartbeatIntervalMs` of up to three
 * minutes), and so are requests that do not end.
 */
const KEPT_MS = 600_000
/** Ids kept for one user. */
const MAX_KEPT = 1_000

let arrivals = 0

/** When a connection, or a request, came: later ones have greater numbers, in this process. */
export function nextArrival(): number {
  return ++arrivals
}

interface Refused {
  readonly arrivalById: Map<string, number>
  readonly mark: number
}

export function createRefusedWrites(clock: Pick<Clock, 'monotonic'>): RefusedWrites {
  // In the order of their last refusal.
  const refusedByUser = new Map<string, Refused>()

  const forgetOld = (now: number): void => {
    for (const [userId, { mark }] of refusedByUser) {
      if (mark + KEPT_MS > now) return
      refusedByUser.delete(userId)
    }
  }

  return {
    note(userId, mutationId, arrival) {
      const mark = clock.monotonic()
      forgetOld(mark)
      const arrivalById = refusedByUser.get(userId)?.arrivalById ?? new Map<string, number>()
      const latest = Math.max(arrival, arrivalById.get(mutationId) ?? 0)
      arrivalById.delete(mutationId)
      arrivalById.set(mutationId, latest)
      const [oldest] = arrivalById.keys()
      if (arrivalById.size > MAX_KEPT && oldest !== undefined) arrivalById.delete(oldest)
      refusedByUser.delete(userId)
      refusedByUser.set(userId, { arrivalById, mark })
    },
    forget(userId, mutationId) {
      refusedByUser.get(userId)?.arrivalById.delete(mutationId)
    },
    isOvertaken(userId, mutationId, arrival) {
      return (refusedByUser.get(userId)?.arrivalById.get(mutationId) ?? 0) > arrival
    },
  }
}
