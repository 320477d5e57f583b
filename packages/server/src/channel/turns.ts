// Lets many readers of history and snapshots take turns, so that all of them together never keep the event loop from
// everybody else for long. Holds who waits; knows nothing of what is read.
import type { Clock } from '@dnr/protocol'

export interface Turns {
  /**
   * Runs `step` when there is room and time in this turn of the event loop, in the order of the calls. `costOf` says
   * afterwards how many bytes it had to do with.
   */
  run<T>(step: () => Promise<T>, costOf: (result: T) => number): Promise<T>
}

/** Bytes of a turn: a system takes a mebibyte in well under a millisecond. */
const TURN_BYTES = 1_048_576
/** What a step costs at least: small ones are work too. */
const MIN_STEP_BYTES = 8_192
/** How long a turn may go on taking steps: whoever does not read waits for about this long. */
const TURN_MS = 2
/** Steps under way at once: they may wait for a store. */
const MAX_STEPS = 4

export function createTurns(clock: Clock): Turns {
  const waiting: (() => void)[] = []
  let steps = 0
  let taken = 0
  let leftBytes = TURN_BYTES
  let endMark = 0
  let isTurning = false

  // The first of a turn always has room: a process that was kept waiting for longer than a turn must not wait for ever.
  const hasRoom = (): boolean =>
    steps < MAX_STEPS && (taken === 0 || (leftBytes > 0 && clock.monotonic() < endMark))

  const take = (): void => {
    steps++
    taken++
  }

  const admit = (): void => {
    while (waiting.length > 0 && hasRoom()) {
      take()
      waiting.shift()?.()
    }
  }

  const startTurn = (): void => {
    taken = 0
    leftBytes = TURN_BYTES
    endMark = clock.monotonic() + TURN_MS
  }

  const nextTurn = (): void => {
    isTurning = false
    startTurn()
    admit()
  }

  const ended = (bytes: number): void => {
    steps--
    leftBytes -= Math.max(bytes, MIN_STEP_BYTES)
    if (!isTurning) {
      isTurning = true
      clock.setTimeout(nextTurn, 0)
    }
    admit()
  }

  const begin = (): Promise<void> | undefined => {
    if (steps === 0 && !isTurning) startTurn()
    if (waiting.length > 0 || !hasRoom()) return new Promise((resolve) => void waiting.push(resolve))
    take()
    return undefined
  }

  return {
    async run(step, costOf) {
      const turn = begin()
      if (turn !== undefined) await turn
      let bytes = 0
      try {
        const result = await step()
        bytes = costOf(result)
        return result
      } finally {
        ended(bytes)
      }
    },
  }
}

/** Hands out what `items` makes, each in a turn. */
export async function* inTurns<T>(
  items: AsyncGenerator<T, void, undefined>,
  turns: Turns,
  costOf: (item: T) => number,
): AsyncGenerator<T, void, undefined> {
  try {
    for (;;) {
      const next = await turns.run(
        () => items.next(),
        ({ value }) => (value === undefined ? 0 : costOf(value)),
      )
      if (next.done === true) return
      yield next.value
    }
  } finally {
    await items.return()
  }
}
