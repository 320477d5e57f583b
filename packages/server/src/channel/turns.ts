// Lets many readers of history and snapshots take turns, so that all of them together never keep the event loop from
// everybody else for long. Holds who waits; knows nothing of what is read.
import type { Clock } from '@dnr/protocol'
import type { MaybePromise } from '../policy/maybe-promise.ts'

export interface Turns {
  /**
   * Runs `step` when there is room and time in this turn of the event loop: first those that go on with what they began, then
   * the others, each in the order of the calls. `costOf` says afterwards how many bytes it had to do with. At once when nothing
   * has to be waited for: a promise for each step of a thousand readers is what there is to save.
   *
   * `stepsBefore`: how many its reader has had. Between two of them the event loop turns.
   */
  run<T>(step: () => MaybePromise<T>, costOf: (result: T) => number, stepsBefore?: number): MaybePromise<T>
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
/** Who goes on comes before those who begin, so that few are under way at once; who has had so many steps waits as if beginning. */
const FAVOURED_STEPS = 8

export function createTurns(clock: Clock): Turns {
  const goingOn: (() => void)[] = []
  const beginning: (() => void)[] = []
  /** Those that had a step and wait for the event loop to turn. */
  let rested: (() => void)[] = []
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
    const due = rested
    rested = []
    for (const enqueue of due) enqueue()
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

  /** `undefined`: it may be taken now, and has its room. */
  const begin = (stepsBefore: number): Promise<void> | undefined => {
    if (steps === 0 && !isTurning) startTurn()
    const isGoingOn = stepsBefore > 0 && stepsBefore < FAVOURED_STEPS
    const queue = isGoingOn ? goingOn : beginning
    if (stepsBefore > 0 && isTurning)
      return new Promise((resolve) => void rested.push(() => void queue.push(resolve)))
    const mustWait = goingOn.length > 0 || (!isGoingOn && beginning.length > 0) || !hasRoom()
    if (mustWait) return new Promise((resolve) => void queue.push(resolve))
    take()
    return undefined
  }

  const perform = <T>(step: () => MaybePromise<T>, costOf: (result: T) => number): MaybePromise<T> => {
    let bytes = 0
    let result: MaybePromise<T>
    try {
      result = step()
      if (result instanceof Promise) return performed(result, costOf)
      bytes = costOf(result)
    } catch (error) {
      ended(bytes)
      throw error
    }
    ended(bytes)
    return result
  }

  const performed = async <T>(result: Promise<T>, costOf: (result: T) => number): Promise<T> => {
    let bytes = 0
    try {
      const value = await result
      bytes = costOf(value)
      return value
    } finally {
      ended(bytes)
    }
  }

  return {
    get isCrowded() {
      return beginning.length + goingOn.length >= CROWD && steps < MAX_STEPS
    },
    run(step, costOf, stepsBefore = 0) {
      const turn = begin(stepsBefore)
      return turn === undefined ? perform(step, costOf) : turn.then(() => perform(step, costOf))
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
