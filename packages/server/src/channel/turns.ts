// Lets many readers of history and snapshots take turns, so that all of them together never keep the event loop from
// everybody else for long. Holds who waits; knows nothing of what is read.
import type { Clock } from '@dnr/protocol'

export interface Turns {
  /**
   * Runs `step` when there is room and time in this turn of the event loop: first those that go on with what they began, then
   * the others, each in the order of the calls. `costOf` says afterwards how many bytes it had to do with.
   */
  run<T>(
    step: () => Promise<T>,
    costOf: (result: T) => number,
    options?: { readonly isGoingOn: boolean },
  ): Promise<T>
  /** Do so many wait for time that one more had better not begin? Who waits for a slow store keeps nobody from beginning. */
  readonly isCrowded: boolean
}

/** Bytes of a turn: a system takes a mebibyte in well under a millisecond. */
const TURN_BYTES = 1_048_576
/** What a step costs at least: small ones are work too. */
const MIN_STEP_BYTES = 8_192
/** How long a turn may go on taking steps: whoever does not read waits for about this long. */
const TURN_MS = 2
/** Steps under way at once: they may wait for a store. */
const MAX_STEPS = 4
/** So many who wait for time are a crowd. */
const CROWD = 16

export function createTurns(clock: Clock): Turns {
  const goingOn: (() => void)[] = []
  const beginning: (() => void)[] = []
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
    while (goingOn.length + beginning.length > 0 && hasRoom()) {
      take()
      const next = goingOn.shift() ?? beginning.shift()
      next?.()
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

  const begin = (isGoingOn: boolean): Promise<void> | undefined => {
    if (steps === 0 && !isTurning) startTurn()
    const mustWait = goingOn.length > 0 || (!isGoingOn && beginning.length > 0) || !hasRoom()
    if (mustWait) return new Promise((resolve) => void (isGoingOn ? goingOn : beginning).push(resolve))
    take()
    return undefined
  }

  return {
    get isCrowded() {
      return beginning.length + goingOn.length >= CROWD && steps < MAX_STEPS
    },
    async run(step, costOf, { isGoingOn } = { isGoingOn: false }) {
      const turn = begin(isGoingOn)
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

/** Lets the event loop turn. */
export function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => clock.setTimeout(resolve, delayMs))
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
