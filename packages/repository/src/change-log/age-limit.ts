import type { Clock } from '@dnr/protocol'

/** Says which wall-clock time is certainly as long ago as asked. */
export interface AgeLimit {
  /** What was written before this time is older than `maxAgeMs`; 0 when that cannot be told now. */
  writtenBefore(maxAgeMs: number): number
}

/** A wall clock that goes on by so much more than the time that passed has been set. */
const JUMP_MS = 60_000

/**
 * Ages by the wall clock, without trusting it when it is set forward: what was written a moment ago would be years old. After such
 * a jump nothing is older than the time that has passed since; a clock set back makes things younger, which does no harm.
 */
export function createAgeLimit(clock: Clock): AgeLimit {
  let ahead = clock.now() - clock.monotonic()
  let jumpedMark = Number.NEGATIVE_INFINITY
  return {
    writtenBefore(maxAgeMs) {
      const monotonic = clock.monotonic()
      const now = clock.now()
      if (now - monotonic - ahead > JUMP_MS) jumpedMark = monotonic
      ahead = now - monotonic
      return monotonic - jumpedMark < maxAgeMs ? 0 : now - maxAgeMs
    },
  }
}
