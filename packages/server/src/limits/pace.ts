// How many times a second something may happen. Pure: the pace is changed in place (it is its owner's own), time comes in.

/** What is left of a second's allowance. */
export interface Pace {
  left: number
  refilledMark: number
}

export function createPace(perSecond: number, now: number): Pace {
  return { left: perSecond, refilledMark: now }
}

/** Takes `count` if there is so much left. */
export function takePace(pace: Pace, perSecond: number, count: number, now: number): boolean {
  if (perSecond === Number.POSITIVE_INFINITY) return true
  refill(pace, perSecond, now)
  if (pace.left < count) return false
  pace.left -= count
  return true
}

/** Takes `count` whether it is left or not: what is owed has to be waited for, up to a second. */
export function owePace(pace: Pace, perSecond: number, count: number, now: number): void {
  refill(pace, perSecond, now)
  pace.left = Math.max(-perSecond, pace.left - count)
}

/** Milliseconds until there are `count`. */
export function paceInMs({ left }: Pace, perSecond: number, count: number): number {
  return Math.max(0, Math.ceil(((count - left) * 1_000) / perSecond))
}

function refill(pace: Pace, perSecond: number, now: number): void {
  pace.left = Math.min(perSecond, pace.left + ((now - pace.refilledMark) * perSecond) / 1_000)
  pace.refilledMark = now
}
